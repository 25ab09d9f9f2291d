// The low-rank updates of a pass: in each packed row those of its adapters side by side, a block of columns each, the same
// at all layers, and for each position which columns are its own. Only what is of the row is multiplied.
import type { PackedBatch } from "../encoder/pack.ts";
import { must } from "../graph/ops.ts";
import { isLowRank, type LowRankProduct, PRODUCT_SITES } from "../spt/adapter.ts";
import type { AdapterCache, ResidentAdapter } from "./adapter-cache.ts";
import type { ScaledLowRank } from "./low-rank-store.ts";
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
  const { rows, rowTokens } = batch;
  const { layers, width } = config;
  const updated = new Set(residents.filter(({ adapter }) => adapter.insertions.some(isLowRank)));
  const adaptersOf: ResidentAdapter[][] = Array.from({ length: rows }, () => []);
  for (const [text, { row }] of batch.placements.entries()) {
    const adapter = must(residents[text], "adapter of a text");
    const some = must(adaptersOf[row], "row");
    if (updated.has(adapter) && !some.includes(adapter)) some.push(adapter);
  }
  const block = blockOf([...updated]);
  const columns = block * Math.max(...adaptersOf.map(({ length }) => length));
  const own = new Float32Array(rows * rowTokens * columns);
  for (const [text, { row, offset, length }] of batch.placements.entries()) {
    const at = must(adaptersOf[row], "row").indexOf(must(residents[text], "adapter of a text"));
    if (at < 0) continue;
    for (let position = offset; position < offset + length; position++) {
      const start = position * columns + at * block;
      own.fill(1, start, start + block);
    }
  }
  const feeds: Record<string, Feed> = { [OWN_COLUMNS]: { data: own, shape: [rows, rowTokens, columns] } };
  for (let layer = 0; layer < layers; layer++) {
    const updates = adaptersOf.map((adapters) => adapters.map((adapter) => updateAt(adapter, layer, cache)));
    for (const site of PRODUCT_SITES) {
      const down = new Float32Array(rows * width * columns);
      const up = new Float32Array(rows * columns * width);
      for (const [row, ofRow] of updates.entries()) {
        const room = { down, up, width, columns, row };
        for (const [at, update] of ofRow.entries()) {
          if (update) writeBlock(room, block * at, { rank: update.rank, ...update[site] });
        }
      }
      feeds[layerInput.productDown(layer, site)] = { data: down, shape: [rows, width, columns] };
      feeds[layerInput.productUp(layer, site)] = { data: up, shape: [rows, columns, width] };
    }
  }
  return feeds;
}

function updateAt(
  { adapter, slots }: ResidentAdapter,
  layer: number,
  cache: AdapterCache,
): ScaledLowRank | undefined {
  const index = adapter.insertions.findIndex((one) => isLowRank(one) && one.layer === layer);
  return index < 0 ? undefined : cache.lowRanks(layer).read(must(slots[index], "slot"));
}

/** Columns of each adapter, a power of two: so no block lies across a multiple of 128 (see AddLowRankByRow). */
function blockOf(adapters: readonly ResidentAdapter[]): number {
  const ranks = adapters.flatMap(({ adapter }) =>
    adapter.insertions.filter(isLowRank).map(({ rank }) => rank),
  );
  return Math.max(BLOCK_MIN, 2 ** Math.ceil(Math.log2(Math.max(1, ...ranks))));
}

interface Room {
  /** [R, D, N], [R, N, D] */
  readonly down: Float32Array;
  readonly up: Float32Array;
  readonly width: number;
  readonly columns: number;
  readonly row: number;
}

function writeBlock(
  { down, up, width, columns, row }: Room,
  start: number,
  { rank, down_DK, up_KD }: LowRankProduct & { readonly rank: number },
): void {
  const [downAt, upAt] = [row * width * columns + start, (row * columns + start) * width];
  for (let d = 0; d < width; d++) {
    for (let k = 0; k < rank; k++) down[downAt + d * columns + k] = down_DK[d * rank + k] ?? 0;
  }
  up.set(up_KD, upAt);
}
