import { expect, test } from "vitest";
import { makeRandomAdapter } from "../../test/helpers/random-adapter.ts";
import { makeTinyBackbone } from "../../test/helpers/tiny-backbone.ts";
import { parseBackbone } from "../backbone.ts";
import { packTexts } from "../encoder/pack.ts";
import { LOW_RANK_COLUMNS } from "../graph/ops.ts";
import { AdapterCache } from "./adapter-cache.ts";
import { productFeeds } from "./product-feeds.ts";
import { layerInput, OWN_COLUMNS } from "./serving-graph.ts";

const backbone = parseBackbone("tiny", makeTinyBackbone({ layers: 2 }));
const { config } = backbone;
const { width } = config;

/** Low-rank updates of the given ranks at layer 1, a text each; undefined: none. */
async function feedsOf(ranks: readonly (number | undefined)[], tokens: number) {
  const cache = new AdapterCache(backbone, 1e9);
  const residents = await Promise.all(
    ranks.map((rank, seed) => {
      const lowRank = rank === undefined ? [] : [{ layer: 1, rank }];
      const adapter = makeRandomAdapter({ ...{ width, seed, classes: 2, generators: [] }, lowRank });
      return cache.acquire(`${seed}`, async () => adapter);
    }),
  );
  const item = { tokenIds: Array<number>(tokens).fill(1), typeIds: Array<number>(tokens).fill(0) };
  const batch = packTexts(
    ranks.map(() => item),
    config,
  );
  return { batch, feeds: productFeeds({ batch, residents, cache, config }) };
}

test("a pass of adapters without low-rank updates has no columns: the graph does not multiply", async () => {
  const { feeds, batch } = await feedsOf([undefined, undefined], 5);
  expect(feeds[OWN_COLUMNS]?.shape).toEqual([batch.rows, 0, batch.rowTokens, LOW_RANK_COLUMNS]);
  expect(feeds[layerInput.productDown(1, "query")]?.shape).toEqual([batch.rows, 0, width, LOW_RANK_COLUMNS]);
});

test("groups are as many as the fullest row's adapters need, in blocks of a power of two", async () => {
  const { feeds, batch } = await feedsOf([3, 5, undefined, 1, 2, 5, 5], 20);
  const counts = Array.from(
    { length: batch.rows },
    (_, row) => batch.placements.filter((place, text) => place.row === row && text !== 2).length,
  );
  const groups = Math.ceil((8 * Math.max(...counts)) / LOW_RANK_COLUMNS);
  expect(groups).toBeGreaterThan(0);
  expect(feeds[OWN_COLUMNS]?.shape).toEqual([batch.rows, groups, batch.rowTokens, LOW_RANK_COLUMNS]);
});

test("each position has the columns of its own adapter and no other's; texts without updates have none", async () => {
  const { feeds, batch } = await feedsOf([3, undefined, 2, 4, 1, 1], 7);
  const { data, shape } = feeds[OWN_COLUMNS] ?? expect.unreachable();
  const [, groups = 0] = shape;
  const { rowTokens } = batch;
  /** Of a position of a row, all groups. */
  const columnsAt = (row: number, position: number) =>
    Array.from({ length: groups }, (_, group) => {
      const start = ((row * groups + group) * rowTokens + position) * LOW_RANK_COLUMNS;
      return [...data.subarray(start, start + LOW_RANK_COLUMNS)].join("");
    }).join("");
  const columns = batch.placements.map(({ row, offset, length }) => {
    const first = offset - row * rowTokens;
    const all = Array.from({ length }, (_, at) => columnsAt(row, first + at));
    expect(new Set(all).size).toBe(1);
    return `${row} ${all[0]}`;
  });
  expect(columns[1]).toMatch(/^\d+ 0+$/);
  const updated = columns.filter((_, text) => text !== 1);
  for (const one of updated) expect(one).toMatch(/^\d+ (0000)*1111(0000)*$/);
  expect(new Set(updated).size).toBe(updated.length);
});

test("a layer at which no adapter of the pass has any holds zeros", async () => {
  const { feeds } = await feedsOf([3, 4], 7);
  const sumOf = (layer: number) =>
    [...(feeds[layerInput.productUp(layer, "value")]?.data ?? [])].reduce(
      (sum, x) => sum + Math.abs(Number(x)),
      0,
    );
  expect(sumOf(0)).toBe(0);
  expect(sumOf(1)).toBeGreaterThan(0);
});
