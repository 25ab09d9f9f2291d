// The low-rank updates of a pass: in each packed row those of its adapters, in groups of columns, a block each, the same at
// all layers, and for each position which columns are its own. Only what is of the row is multiplied.
import type { PackedBatch } from "../encoder/pack.ts";
import { LOW_RANK_COLUMNS as COLUMNS, must } from "../graph/ops.ts";
import { isLowRank, type LowRankProduct, PRODUCT_SITES } from "../spt/adapter.ts";
import { type AdapterCache, type ResidentAdapter, slotOf } from "./adapter-cache.ts";
import type { ScaledLowRank } from "./low-rank-store.ts";
import { layerInput, OWN_COLUMNS } from "./serving-graph.ts";
import type { Feed } from "./session.ts";

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
  const groups = Math.ceil((block * Math.max(...adaptersOf.map(({ length }) => length))) / COLUMNS);
  const place = (row: number, at: number): Place => {
    const column = at * block;
    return { group: row * groups + Math.floor(column / COLUMNS), column: column % COLUMNS };
  };
  const own = new Float32Array(rows * groups * rowTokens * COLUMNS);
  for (const [text, { row, offset, length }] of batch.placements.entries()) {
    const at = must(adaptersOf[row], "row").indexOf(must(residents[text], "adapter of a text"));
    if (at < 0) continue;
    const { group, column } = place(row, at);
    for (let position = offset - row * rowTokens, end = position + length; position < end; position++) {
      const start = (group * rowTokens + position) * COLUMNS + column;
      own.fill(1, start, start + block);
    }
  }
  const feeds: Record<string, Feed> = {
    [OWN_COLUMNS]: { data: own, shape: [rows, groups, rowTokens, COLUMNS] },
  };
  for (let layer = 0; layer < layers; layer++) {
    const updates = adaptersOf.flatMap((adapters, row) =>
      adapters.map((adapter, at) => ({ ...place(row, at), update: updateAt(adapter, layer, cache) })),
    );
    for (const site of PRODUCT_SITES) {
      const down = new Float32Array(rows * groups * width * COLUMNS);
      const up = new Float32Array(rows * groups * COLUMNS * width);
      for (const { update, ...at } of updates) {
        if (update) writeBlock({ down, up, width, ...at }, { rank: update.rank, ...update[site] });
      }
      feeds[layerInput.productDown(layer, site)] = { data: down, shape: [rows, groups, width, COLUMNS] };
      feeds[layerInput.productUp(layer, site)] = { data: up, shape: [rows, groups, COLUMNS, width] };
    }
  }
  return feeds;
}

/** Where a block of columns starts; groups are counted through all rows. */
interface Place {
  readonly group: number;
  readonly column: number;
}

function updateAt(adapter: ResidentAdapter, layer: number, cache: AdapterCache): ScaledLowRank | undefined {
  const slot = slotOf(adapter, "low_rank", layer);
  return slot === undefined ? undefined : cache.lowRanks(layer).read(slot);
}

/** Columns of each adapter, a power of two: so no block lies in two groups. */
function blockOf(adapters: readonly ResidentAdapter[]): number {
  const ranks = adapters.flatMap(({ adapter }) =>
    adapter.insertions.filter(isLowRank).map(({ rank }) => rank),
  );
  return 2 ** Math.ceil(Math.log2(Math.max(1, ...ranks)));
}

function writeBlock(
  { down, up, width, group, column }: Place & { down: Float32Array; up: Float32Array; width: number },
  { rank, down_DK, up_KD }: LowRankProduct & { readonly rank: number },
): void {
  for (let d = 0; d < width; d++) {
    const start = (group * width + d) * COLUMNS + column;
    for (let k = 0; k < rank; k++) down[start + k] = down_DK[d * rank + k] ?? 0;
  }
  up.set(up_KD, (group * COLUMNS + column) * width);
}
