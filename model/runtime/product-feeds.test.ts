import { expect, test } from "vitest";
import { makeRandomAdapter } from "../../test/helpers/random-adapter.ts";
import { makeTinyBackbone } from "../../test/helpers/tiny-backbone.ts";
import { parseBackbone } from "../backbone.ts";
import { packTexts } from "../encoder/pack.ts";
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
  expect(feeds[OWN_COLUMNS]?.shape).toEqual([batch.rows, batch.rowTokens, 0]);
  expect(feeds[layerInput.productDown(1, "query")]?.shape).toEqual([batch.rows, width, 0]);
});

test("columns are as many as the fullest row's adapters need, in blocks of a power of two", async () => {
  const { feeds, batch } = await feedsOf([3, 5, undefined, 1], 40);
  const texts = Array.from({ length: batch.rows }, (_, row) =>
    batch.placements.flatMap((place, text) => (place.row === row && text !== 2 ? [text] : [])),
  );
  const columns = 8 * Math.max(...texts.map(({ length }) => length));
  expect(columns).toBeLessThan(4 * 8);
  expect(feeds[OWN_COLUMNS]?.shape).toEqual([batch.rows, batch.rowTokens, columns]);
});

test("each position has the columns of its own adapter and no other's; texts without updates have none", async () => {
  const { feeds, batch } = await feedsOf([3, undefined, 2, 4], 7);
  const { data, shape } = feeds[OWN_COLUMNS] ?? expect.unreachable();
  const [, , columns = 0] = shape;
  const blocks = batch.placements.map(({ offset, length }) => {
    const rows = Array.from({ length }, (_, at) =>
      [...data.subarray((offset + at) * columns, (offset + at + 1) * columns)].join(""),
    );
    expect(new Set(rows).size).toBe(1);
    return rows[0];
  });
  expect(blocks[1]).toBe("0".repeat(columns));
  for (const text of [0, 2, 3]) expect(blocks[text]).toMatch(/^(0000)*1111(0000)*$/);
  const placed = [0, 2, 3].map((text) => `${batch.placements[text]?.row} ${blocks[text]}`);
  expect(new Set(placed).size).toBe(3);
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
