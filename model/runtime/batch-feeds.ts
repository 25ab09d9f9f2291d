// One mixed batch → the serving graph's inputs.
import type { EncoderConfig } from "../encoder/config.ts";
import { HIDDEN_KEY_BIAS } from "../encoder/encoder.ts";
import { type PackedBatch, packTexts, poolingMatrix, writeSlotRows } from "../encoder/pack.ts";
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
    items.map(({ encoding, resident }) => ({ ...encoding, promptTokens: promptTokensOf(resident) })),
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
  for (let layer = 0; layer < config.layers; layer++) addLayerFeeds(feeds, { layer, items, batch, cache });
  return feeds;
}

/** Positions a text reserves: the most tokens any of its generators makes. */
export function promptTokensOf({ adapter }: ResidentAdapter): number {
  return adapter.insertions.reduce((most, { promptTokens }) => Math.max(most, promptTokens), 0);
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

function addLayerFeeds(feeds: Feeds, context: LayerContext): void {
  const { layer, batch, cache } = context;
  const positions = batch.rows * batch.rowTokens;
  const place = Int32Array.from({ length: positions }, (_, position) => position);
  let base = positions;
  for (const pooling of POOLINGS) {
    const pairs = pairsOf(context, pooling);
    const perPair = cache.slab(layer, pooling).promptTokens;
    addPairFeeds(feeds, context, { pooling, pairs });
    for (const [index, { text, promptTokens }] of pairs.entries()) {
      const start = batch.placements[text]?.promptOffset ?? 0;
      for (let token = 0; token < promptTokens; token++)
        place[start + token] = base + index * perPair + token;
    }
    base += pairs.length * perPair;
  }
  feeds[layerInput.place(layer)] = { data: place, shape: [batch.rows, batch.rowTokens] };
  feeds[layerInput.keyBias(layer)] = { data: keyBias(context), shape: [batch.rows, 1, 1, batch.rowTokens] };
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

/** Hides the reserved positions that hold no prompt at this layer yet. */
function keyBias({ layer, items, batch }: LayerContext): Float32Array {
  const bias = new Float32Array(batch.rows * batch.rowTokens);
  for (const [text, { resident }] of items.entries()) {
    const place = batch.placements[text];
    if (!place || place.promptTokens === 0) continue;
    const present = promptTokensBefore(resident, layer);
    bias.fill(HIDDEN_KEY_BIAS, place.promptOffset + present, place.promptOffset + place.promptTokens);
  }
  return bias;
}

/** How many prompt positions are filled once this layer's own generator has run. */
function promptTokensBefore({ adapter }: ResidentAdapter, layer: number): number {
  return adapter.insertions.reduce(
    (most, insertion) => (insertion.layer <= layer ? Math.max(most, insertion.promptTokens) : most),
    0,
  );
}
