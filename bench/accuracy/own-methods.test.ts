import { expect, test } from "vitest";
import { requestOf } from "./own-methods.ts";

const layersOf = (method: Parameters<typeof requestOf>[0], seed = "13") =>
  requestOf(method, { layers: 6, seed }).ablation?.fixed?.map(({ layer }) => layer);

test("fixed layers are those that the method's name says", () => {
  expect(layersOf("spt_all_layers")).toEqual([0, 1, 2, 3, 4, 5]);
  expect(layersOf("spt_first_layer")).toEqual([0]);
  expect(layersOf("spt_middle_layer")).toEqual([3]);
  expect(layersOf("spt")).toBeUndefined();
});

test("random layers are half of them, the same for a split, others for another", () => {
  const splits = ["13", "21", "42", "87", "100"].map((seed) => layersOf("spt_random_layers", seed));
  for (const layers of splits) expect(new Set(layers).size).toBe(3);
  expect(layersOf("spt_random_layers", "13")).toEqual(splits[0]);
  expect(new Set(splits.map((layers) => layers?.toSorted().join())).size).toBeGreaterThan(1);
});
