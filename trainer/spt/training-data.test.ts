import { describe, expect, test } from "vitest";
import { createRandom } from "../random.ts";
import { adapterHead, endlessBatches, keepFeeds, trainableHead } from "./training-data.ts";

describe("endlessBatches", () => {
  test("gives every index once before any again, in batches of one size", () => {
    const indices = [3, 5, 8, 13, 21, 34];
    const batches = endlessBatches(indices, { size: 4, random: createRandom(1) });
    const drawn = Array.from({ length: 6 }, () => batches.next().value);
    for (const batch of drawn) expect(batch).toHaveLength(4);
    const flat = drawn.flat();
    for (let pass = 0; pass < 4; pass++) {
      expect(flat.slice(pass * 6, (pass + 1) * 6).toSorted((a, b) => a - b)).toEqual(indices);
    }
    expect(flat.slice(0, 6)).not.toEqual(flat.slice(6, 12));
  });

  test("gives all indices at once where there are fewer than a batch holds", () => {
    const batch = endlessBatches([4, 2], { size: 16, random: createRandom(1) }).next().value;
    expect(batch.toSorted()).toEqual([2, 4]);
  });
});

test("batches by label have each text beside another of its class, and still every index once a pass", () => {
  const labels = Array.from({ length: 40 }, (_, index) => index % 5);
  const indices = labels.map((_, index) => index);
  const batches = endlessBatches(indices, { size: 8, random: createRandom(3), labels });
  const drawn = Array.from({ length: 10 }, () => batches.next().value);
  for (const batch of drawn) {
    for (const index of batch) {
      expect(batch.filter((other) => labels[other] === labels[index]).length).toBeGreaterThanOrEqual(2);
    }
  }
  for (const pass of [drawn.slice(0, 5), drawn.slice(5)]) {
    expect(pass.flat().toSorted((a, b) => a - b)).toEqual(indices);
  }
});

test("a head that trains and goes back to an adapter is the same head, and shares no memory with it", () => {
  const head = { weight_CD: Float32Array.of(1, 2, 3, 4, 5, 6), bias_C: Float32Array.of(7, 8) };
  const trainable = trainableHead(head);
  expect([...trainable.weight_DC]).toEqual([1, 4, 2, 5, 3, 6]);
  expect(adapterHead(trainable)).toEqual(head);
  trainable.weight_DC.fill(0);
  trainable.bias_C.fill(0);
  expect(head).toEqual({ weight_CD: Float32Array.of(1, 2, 3, 4, 5, 6), bias_C: Float32Array.of(7, 8) });
});

describe("dropout", () => {
  const shape = { width: 8, promptTokens: 5, bottleneck: 40, pooling: "slots" as const, readsText: true };

  test("closes its share of a bottleneck and scales the rest so that the mean stays 1", () => {
    const feeds = keepFeeds([2], shape, { texts: 50, rate: 0.25, random: createRandom(1) });
    const { data, shape: size } = feeds["keep 2"] ?? expect.unreachable();
    expect(size).toEqual([50, 5, 40]);
    expect(new Set(data)).toEqual(new Set([0, Math.fround(4 / 3)]));
    expect([...data].reduce((sum, value) => sum + value, 0) / data.length).toBeCloseTo(1, 1);
  });

  test("of rate 0 closes nothing", () => {
    const { data } =
      keepFeeds([0], shape, { texts: 2, rate: 0, random: createRandom(1) })["keep 0"] ?? expect.unreachable();
    expect(new Set(data)).toEqual(new Set([1]));
  });
});
