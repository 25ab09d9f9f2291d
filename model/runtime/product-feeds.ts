// The low-rank updates of a pass: those of its adapters side by side, a block of columns each, the same at all layers, and
// for each position which columns are its own. Only what is of the pass is multiplied.
import type { PackedBatch } from "../encoder/pack.ts";
import { must } from "../graph/ops.ts";
import { isLowRank, type LowRankProduct, PRODUCT_SITES } from "../spt/adapter.ts";
import type { AdapterCache, ResidentAdapter } from "./adapter-cache.ts";
import { layerInput, OWN_COLUMNS } from "./serving-graph.ts";
import type { Feed } from "./session.ts";

/** onnxruntime multiplies with a single column in another order than with more. */
const BLOCK_MIN = 4;

export interface ProductBatch {
  readonly batch: PackedBatch;
  /** Of each text. */
  readonly residents: readonly ResidentAdapter[];
  readonly cache: AdapterCache;
  readonly config: { readonly layers: number; readonly width: number };
}

export function productFeeds({ batch, residents, cache, config }: ProductBatch): Record<string, Feed> {
  const { layers, width } = config;
  const adapters = [...new Set(residents)].filter(({ adapter }) => adapter.insertions.some(isLowRank));
  const block = blockOf(adapters);
  const columns = adapters.length * block;
  const positions = batch.rows * batch.rowTokens;
  const own = new Float32Array(positions * columns);
  for (const [text, { offset, length }] of batch.placements.entries()) {
    const start = block * adapters.indexOf(must(residents[text], "adapter of a text"));
    if (start < 0) continue;
    for (let position = offset; position < offset + length; position++) {
      own.fill(1, position * columns + start, position * columns + start + block);
    }
  }
  const feeds: Record<string, Feed> = { [OWN_COLUMNS]: { data: own, shape: [positions, columns] } };
  for (let layer = 0; layer < layers; layer++) {
    const updates = adapters.map(({ adapter, slots }) => {
      const index = adapter.insertions.findIndex((one) => isLowRank(one) && one.layer === layer);
      return index < 0 ? undefined : cache.lowRanks(layer).read(must(slots[index], "slot"));
    });
    for (const site of PRODUCT_SITES) {
      const down = new Float32Array(width * columns);
      const up = new Float32Array(columns * width);
      for (const [at, update] of updates.entries()) {
        if (update) writeBlock({ down, up, width, columns }, block * at, update.rank, update[site]);
      }
      feeds[layerInput.productDown(layer, site)] = { data: down, shape: [width, columns] };
      feeds[layerInput.productUp(layer, site)] = { data: up, shape: [columns, width] };
    }
  }
  return feeds;
}

/** Columns of each adapter, a power of two: so none of a block lies across a multiple of 128 (see AddLowRankByRow). */
function blockOf(adapters: readonly ResidentAdapter[]): number {
  const ranks = adapters.flatMap(({ adapter }) =>
    adapter.insertions.filter(isLowRank).map(({ rank }) => rank),
  );
  return Math.max(BLOCK_MIN, 2 ** Math.ceil(Math.log2(Math.max(1, ...ranks))));
}

function writeBlock(
  { down, up, width, columns }: { down: Float32Array; up: Float32Array; width: number; columns: number },
  start: number,
  rank: number,
  { down_DK, up_KD }: LowRankProduct,
): void {
  for (let d = 0; d < width; d++) down.set(down_DK.subarray(d * rank, (d + 1) * rank), d * columns + start);
  up.set(up_KD, start * width);
}
