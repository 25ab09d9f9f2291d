// One mixed batch → the serving graph's inputs.
import type { EncoderConfig } from "../encoder/config.ts";
import {
  type PackedBatch,
  type PromptSlots,
  packTexts,
  placePrompts,
  poolingMatrix,
  writeSlotRows,
} from "../encoder/pack.ts";
import { must } from "../graph/ops.ts";
import type { GeneratorPooling } from "../spt/adapter.ts";
import { slotsOf } from "../spt/prompt-generator.ts";
import type { Encoding } from "../tokenizer/tokenizer.ts";
import type { AdapterCache, ResidentAdapter } from "./adapter-cache.ts";
import { layerInput, POOLINGS } from "./serving-graph.ts";
import type { Feed } from "./session.ts";

export interface BatchItem {
  readonly encoding: Encoding;
  readonly resident: ResidentAdapter;
}

export type Feeds = Record<string, Feed>;

export function batchFeeds(items: readonly BatchItem[], config: EncoderConfig, cache: AdapterCache): Feeds {
  const batch = packTexts(
    items.map(({ encoding }) => encoding),
    config,
  );
  const shape = [batch.rows, batch.rowTokens];
  const feeds: Feeds = {
    tokenIds: { data: batch.tokenIds, shape },
    positionIds: { data: batch.positionIds, shape },
    typeIds: { data: batch.typeIds, shape },
    segmentIds: { data: batch.segmentIds, shape },
    pool: { data: poolingMatrix(batch, config.pooling), shape: [items.length, batch.rows * batch.rowTokens] },
  };
  let carried = placePrompts(batch, []);
  for (let layer = 0; layer < config.layers; layer++) {
    const context = { layer, items, batch, cache };
    const pairs = addGeneratorFeeds(feeds, context);
    const keys = addKeyFeeds(feeds, context, { pairs, carried });
    if (layer + 1 < config.layers) carried = addQueryFeeds(feeds, context, keys);
  }
  return feeds;
}

/** The most tokens any of an adapter's generators makes: what its prompts can add to a text. */
export function promptTokensOf(resident: ResidentAdapter): number {
  return promptTokensAt(resident, Number.POSITIVE_INFINITY);
}

interface LayerContext {
  readonly layer: number;
  readonly items: readonly BatchItem[];
  readonly batch: PackedBatch;
  readonly cache: AdapterCache;
}

interface Pair {
  /** Index of the text in the batch. */
  readonly text: number;
  readonly slot: number;
  readonly promptTokens: number;
}

interface PlacedPair extends Pair {
  /** The first of its rows among the new prompts of the layer. */
  readonly row: number;
}

/** Feeds the generators of the (text, layer) pairs of one layer, and says where their prompts come out. */
function addGeneratorFeeds(feeds: Feeds, context: LayerContext): PlacedPair[] {
  let row = 0;
  return POOLINGS.flatMap((pooling) => {
    const pairs = pairsOf(context, pooling);
    const perPair = context.cache.slab(context.layer, pooling).promptTokens;
    addPairFeeds(feeds, context, { pooling, pairs });
    const start = row;
    row += pairs.length * perPair;
    return pairs.map((pair, index) => ({ ...pair, row: start + index * perPair }));
  });
}

/** The prompt tokens that each text sees: new ones first, those that they do not replace from `carried`. */
function addKeyFeeds(
  feeds: Feeds,
  { layer, items, batch }: LayerContext,
  { pairs, carried }: { pairs: readonly PlacedPair[]; carried: PromptSlots },
): PromptSlots {
  const counts = items.map(({ resident }) => promptTokensAt(resident, layer));
  const keys = placePrompts(batch, counts);
  const at = new Int32Array(batch.rows * keys.slots);
  for (const [text, count] of counts.entries()) {
    const from = must(carried.offsets[text], "carried");
    const to = must(keys.offsets[text], "slot");
    for (let token = 0; token < count; token++) at[to + token] = from + token;
  }
  const newFrom = batch.rows * carried.slots;
  for (const { text, row, promptTokens } of pairs) {
    const to = must(keys.offsets[text], "slot");
    for (let token = 0; token < promptTokens; token++) at[to + token] = newFrom + row + token;
  }
  const shape = [batch.rows, keys.slots];
  feeds[layerInput.keysAt(layer)] = { data: at, shape };
  feeds[layerInput.keySegments(layer)] = { data: keys.segmentIds, shape };
  return keys;
}

/** The prompt tokens that go through a layer: those that the next one does not replace. */
function addQueryFeeds(
  feeds: Feeds,
  { layer, items, batch }: LayerContext,
  keys: PromptSlots,
): PromptSlots {
  const counts = items.map(({ resident }) => {
    const seen = promptTokensAt(resident, layer);
    return promptTokensMadeAt(resident, layer + 1) < seen ? seen : 0;
  });
  const queries = placePrompts(batch, counts);
  const at = new Int32Array(batch.rows * queries.slots);
  for (const [text, count] of counts.entries()) {
    const from = must(keys.offsets[text], "slot");
    const to = must(queries.offsets[text], "slot");
    for (let token = 0; token < count; token++) at[to + token] = from + token;
  }
  const shape = [batch.rows, queries.slots];
  feeds[layerInput.queriesAt(layer)] = { data: at, shape };
  feeds[layerInput.querySegments(layer)] = { data: queries.segmentIds, shape };
  return queries;
}

function pairsOf({ layer, items }: LayerContext, pooling: GeneratorPooling): Pair[] {
  return items.flatMap(({ resident }, text) =>
    resident.adapter.insertions.flatMap((insertion, index) =>
      insertion.layer === layer && insertion.pooling === pooling
        ? [{ text, slot: resident.slots[index] ?? 0, promptTokens: insertion.promptTokens }]
        : [],
    ),
  );
}

function addPairFeeds(
  feeds: Feeds,
  { layer, batch, cache }: LayerContext,
  { pooling, pairs }: { pooling: GeneratorPooling; pairs: readonly Pair[] },
): void {
  const slab = cache.slab(layer, pooling);
  const width = batch.rows * batch.rowTokens;
  const perPair = slotsOf(pooling, slab.promptTokens);
  const averaging = new Float32Array(pairs.length * perPair * width);
  for (const [index, { text, promptTokens }] of pairs.entries()) {
    const place = batch.placements[text];
    if (!place) continue;
    writeSlotRows(averaging, { at: index * perPair, slots: slotsOf(pooling, promptTokens), place, width });
  }
  feeds[layerInput.slots(layer, pooling)] = { data: averaging, shape: [pairs.length * perPair, width] };
  feeds[layerInput.adapter(layer, pooling)] = {
    data: Int32Array.from(pairs, ({ slot }) => slot),
    shape: [pairs.length],
  };
  feeds[layerInput.down(layer, pooling)] = slab.down;
  feeds[layerInput.up(layer, pooling)] = slab.up;
  feeds[layerInput.bias(layer, pooling)] = slab.bias;
}

/** How many prompt tokens a text sees at a layer, its own generator included. */
function promptTokensAt({ adapter }: ResidentAdapter, layer: number): number {
  return adapter.insertions.reduce(
    (most, insertion) => (insertion.layer <= layer ? Math.max(most, insertion.promptTokens) : most),
    0,
  );
}

function promptTokensMadeAt({ adapter }: ResidentAdapter, layer: number): number {
  return adapter.insertions.find((insertion) => insertion.layer === layer)?.promptTokens ?? 0;
}
