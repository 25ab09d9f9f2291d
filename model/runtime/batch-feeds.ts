// One mixed batch → the serving graph's inputs.
import type { EncoderConfig } from "../encoder/config.ts";
import { packedFeeds } from "../encoder/encode-texts.ts";
import { type PackedBatch, packTexts, placePrompts, writeSlotRows } from "../encoder/pack.ts";
import { must } from "../graph/ops.ts";
import { type GeneratorPooling, isPromptGenerator, NORM_SITES } from "../spt/adapter.ts";
import { slotsOf } from "../spt/prompt-generator.ts";
import type { Encoding } from "../tokenizer/tokenizer.ts";
import { type AdapterCache, type ResidentAdapter, slotOf } from "./adapter-cache.ts";
import { OWN_NORMS } from "./norm-slab.ts";
import { productFeeds } from "./product-feeds.ts";
import { layerInput, NORM_PARTS, POOLINGS } from "./serving-graph.ts";
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
  const residents = items.map(({ resident }) => resident);
  const feeds: Feeds = {
    ...packedFeeds(batch, config),
    ...productFeeds({ batch, residents, cache, config }),
  };
  let carried: readonly number[] = items.map(() => 0);
  for (let layer = 0; layer < config.layers; layer++) {
    const context = { layer, items, batch, cache };
    const rowsOf = addKeyFeeds(feeds, context, { pairs: addGeneratorFeeds(feeds, context), carried });
    const normRows = normRowsOf(context);
    addNormFeeds(feeds, context, normRows);
    if (layer + 1 === config.layers) break;
    carried = addQueryFeeds(feeds, context, rowsOf);
    addQueryNormFeeds(feeds, layer, { normRows, carried });
  }
  return feeds;
}

/** The most tokens any of an adapter's generators makes: what its prompts can add to a text. */
export function promptTokensOf({ adapter }: ResidentAdapter): number {
  return adapter.insertions
    .filter(isPromptGenerator)
    .reduce((most, { promptTokens }) => Math.max(most, promptTokens), 0);
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

/**
 * The prompt tokens that each text sees: new ones first, then those of its `carried` ones that they do
 * not replace. All that a text saw at the layer before is carried where any of it is needed. Returns the
 * row of each text's prompt tokens among [carried; new].
 */
function addKeyFeeds(
  feeds: Feeds,
  { layer, batch }: LayerContext,
  { pairs, carried }: { pairs: readonly PlacedPair[]; carried: readonly number[] },
): number[][] {
  let row = 0;
  const rowsOf = carried.map((count) => Array.from({ length: count }, () => row++));
  for (const { text, row: made, promptTokens } of pairs) {
    const rows = must(rowsOf[text], "rows");
    for (let token = 0; token < promptTokens; token++) rows[token] = row + made + token;
  }
  const { slotsAt, segmentIds, shape } = slotFeeds(batch, rowsOf);
  feeds[layerInput.keySlotsAt(layer)] = { data: slotsAt, shape };
  feeds[layerInput.keySegments(layer)] = { data: segmentIds, shape };
  return rowsOf;
}

/** The prompt tokens of each text that go through a layer: none where the next one replaces all. */
function addQueryFeeds(
  feeds: Feeds,
  { layer, items, batch }: LayerContext,
  rowsOf: readonly (readonly number[])[],
): number[] {
  const goOn = items.map(({ resident }, text) => {
    const rows = must(rowsOf[text], "rows");
    return promptTokensMadeAt(resident, layer + 1) < rows.length ? rows : [];
  });
  const queriesAt = Int32Array.from(goOn.flat());
  let row = 0;
  const { slotsAt, segmentIds, shape, rowsAt } = slotFeeds(
    batch,
    goOn.map((rows) => rows.map(() => row++)),
  );
  feeds[layerInput.queriesAt(layer)] = { data: queriesAt, shape: [queriesAt.length] };
  feeds[layerInput.querySlotsAt(layer)] = { data: slotsAt, shape };
  feeds[layerInput.querySegments(layer)] = { data: segmentIds, shape };
  feeds[layerInput.queryRowsAt(layer)] = { data: rowsAt, shape: [rowsAt.length] };
  return goOn.map((rows) => rows.length);
}

/** Slots beside the rows for the given prompt rows of each text, and the slots in order of the texts. */
function slotFeeds(batch: PackedBatch, rowsOf: readonly (readonly number[])[]) {
  const { slots, offsets, segmentIds } = placePrompts(
    batch,
    rowsOf.map((rows) => rows.length),
  );
  const slotsAt = new Int32Array(segmentIds.length);
  const rowsAt: number[] = [];
  for (const [text, rows] of rowsOf.entries()) {
    const offset = must(offsets[text], "offset");
    for (const [token, row] of rows.entries()) {
      slotsAt[offset + token] = row;
      rowsAt.push(offset + token);
    }
  }
  return { slotsAt, segmentIds, shape: [batch.rows, slots], rowsAt: Int32Array.from(rowsAt) };
}

function pairsOf({ layer, items }: LayerContext, pooling: GeneratorPooling): Pair[] {
  return items.flatMap(({ resident }, text) =>
    resident.adapter.insertions.flatMap((insertion, index) =>
      isPromptGenerator(insertion) && insertion.layer === layer && insertion.pooling === pooling
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
  const own = new Map(pairs.map(({ text, promptTokens }) => [text, slotsOf(pooling, promptTokens)]));
  const { slots, offsets } = placePrompts(
    batch,
    batch.placements.map((_, text) => own.get(text) ?? 0),
  );
  const averaging = new Float32Array(batch.rows * slots * batch.rowTokens);
  for (const [text, count] of own) {
    const { row, offset, length } = must(batch.placements[text], "placement");
    writeSlotRows(averaging, {
      at: must(offsets[text], "offset"),
      slots: count,
      place: { row, offset: offset - row * batch.rowTokens, length },
      width: batch.rowTokens,
    });
  }
  // What a wider slab reads beyond a pair's own slots makes prompts that are placed nowhere.
  const perPair = slotsOf(pooling, slab.promptTokens);
  const at = pairs.flatMap(({ text }) => {
    const first = must(offsets[text], "offset");
    return Array.from({ length: perPair }, (_, slot) => (slot < (own.get(text) ?? 0) ? first + slot : 0));
  });
  feeds[layerInput.slots(layer, pooling)] = { data: averaging, shape: [batch.rows, slots, batch.rowTokens] };
  feeds[layerInput.slotsAt(layer, pooling)] = integers(at);
  feeds[layerInput.adapter(layer, pooling)] = integers(pairs.map(({ slot }) => slot));
  feeds[layerInput.down(layer, pooling)] = slab.down;
  feeds[layerInput.up(layer, pooling)] = slab.up;
  feeds[layerInput.bias(layer, pooling)] = slab.bias;
}

function promptTokensMadeAt({ adapter }: ResidentAdapter, layer: number): number {
  return adapter.insertions.filter(isPromptGenerator).find((one) => one.layer === layer)?.promptTokens ?? 0;
}

/** Where in a layer's tables the scales and shifts of each text are: its adapter's, or the backbone's own. */
function normRowsOf({ layer, items }: LayerContext): number[] {
  return items.map(({ resident }) => slotOf(resident, "scale_shift", layer) ?? OWN_NORMS);
}

function addNormFeeds(
  feeds: Feeds,
  { layer, batch, cache }: LayerContext,
  normRows: readonly number[],
): void {
  const slab = cache.norms(layer);
  for (const site of NORM_SITES) {
    for (const part of NORM_PARTS) feeds[layerInput.normTable(layer, site, part)] = slab.table(site, part);
  }
  const rows = new Int32Array(batch.rows * batch.rowTokens).fill(OWN_NORMS);
  for (const [text, { offset, length }] of batch.placements.entries()) {
    rows.fill(must(normRows[text], "row"), offset, offset + length);
  }
  feeds[layerInput.normRows(layer)] = { data: rows, shape: [batch.rows, batch.rowTokens] };
}

/** Prompt tokens that go through a layer have the scales and shifts of their text. */
function addQueryNormFeeds(
  feeds: Feeds,
  layer: number,
  { normRows, carried }: { normRows: readonly number[]; carried: readonly number[] },
): void {
  const rows = carried.flatMap((count, text) => Array<number>(count).fill(must(normRows[text], "row")));
  feeds[layerInput.queryNormRows(layer)] = integers(rows);
}

function integers(values: readonly number[]): Feed {
  return { data: Int32Array.from(values), shape: [values.length] };
}
