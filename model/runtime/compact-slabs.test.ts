import { expect, it } from "vitest";
import { compactSlabs } from "./compact-slabs.ts";
import { layerInput, NORM_PARTS, POOLINGS } from "./serving-graph.ts";
import type { Feed } from "./session.ts";

const SLOTS = 5;

/** Each slot's row holds its number. */
function table(...shape: number[]): Feed {
  const size = shape.reduce((product, length) => product * length, 1);
  return {
    data: Float32Array.from({ length: SLOTS * size }, (_, at) => Math.floor(at / size)),
    shape: [SLOTS, ...shape],
  };
}

function integers(...values: number[]): Feed {
  return { data: Int32Array.from(values), shape: [values.length] };
}

/** One layer; the pairs of "mean" are of slots 3, 1 and 3, those of "slots" none. */
function feedsOf(normRows: Feed): Record<string, Feed> {
  const feeds: Record<string, Feed> = { [layerInput.normRows(0)]: normRows, other: integers(7) };
  for (const pooling of POOLINGS) {
    feeds[layerInput.adapter(0, pooling)] = pooling === "mean" ? integers(3, 1, 3) : integers();
    feeds[layerInput.down(0, pooling)] = table(2, 1);
    feeds[layerInput.up(0, pooling)] = table(1, 2);
    feeds[layerInput.bias(0, pooling)] = table(1, 2);
  }
  for (const site of ["attention", "output"] as const) {
    for (const part of NORM_PARTS) feeds[layerInput.normTable(0, site, part)] = table(2);
  }
  return feeds;
}

it("a table has the rows that are read, and every index reads what it read before", () => {
  const given = feedsOf(integers(0, 4, 4, 2));
  const compact = compactSlabs(given, 1);
  const read = (feeds: Record<string, Feed>, index: string, of: string) => {
    const { data = [], shape: [rows = 1] = [] } = feeds[of] ?? {};
    return Array.from(feeds[index]?.data ?? [], (row) => data[row * (data.length / rows)]);
  };
  const mean = layerInput.adapter(0, "mean");
  expect(compact[layerInput.down(0, "mean")]?.shape).toEqual([2, 2, 1]);
  expect(read(compact, mean, layerInput.up(0, "mean"))).toEqual([3, 1, 3]);
  const norms = layerInput.normTable(0, "output", "shift");
  expect(compact[norms]?.shape).toEqual([3, 2]);
  expect(read(compact, layerInput.normRows(0), norms)).toEqual([0, 4, 4, 2]);
  expect(compact.other).toBe(given.other);
});

it("the backbone's own norms stay row 0, which the graph asks for, and no table is left without a row", () => {
  const compact = compactSlabs(feedsOf(integers(4)), 1);
  expect([...(compact[layerInput.normRows(0)]?.data ?? [])]).toEqual([1]);
  expect(compact[layerInput.normTable(0, "attention", "scale")]?.data[0]).toBe(0);
  expect(compact[layerInput.down(0, "slots")]?.shape).toEqual([1, 2, 1]);
});
