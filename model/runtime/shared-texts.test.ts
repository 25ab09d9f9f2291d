import { describe, expect, test } from "vitest";
import { makeRandomAdapter } from "../../test/helpers/random-adapter.ts";
import type { ResidentAdapter } from "./adapter-cache.ts";
import { shareTexts } from "./shared-texts.ts";

const shape = { layer: 0, promptTokens: 1, bottleneck: 2, pooling: "mean" as const };

function resident(generators = [shape]): ResidentAdapter {
  const adapter = makeRandomAdapter({ width: 4, seed: 1, classes: 2, generators });
  return { adapter, bytes: 0, slots: [], uses: 1, evicted: false };
}

const [one, other, plain, plainer] = [resident(), resident(), resident([]), resident([])];

function item(tenant: string, adapter: ResidentAdapter, tokens: readonly number[], rest = {}) {
  const encoding = { tokenIds: [...tokens], typeIds: tokens.map(() => 0), truncated: false, ...rest };
  return { tenant, resident: adapter, encoding };
}

function shared(...items: ReturnType<typeof item>[]): number[] {
  return [...shareTexts(items).indexOf];
}

describe("a pass computes once", () => {
  test("a tenant's text that comes twice under one adapter", () => {
    const items = [item("a", one, [1, 2]), item("a", one, [3]), item("a", one, [1, 2])];
    const { computed, indexOf } = shareTexts(items);
    expect(computed).toEqual(items.slice(0, 2));
    expect(indexOf).toEqual([0, 1, 0]);
  });

  test("a tenant's text under any of its adapters without insertions", () => {
    expect(shared(item("a", plain, [1, 2]), item("a", plainer, [1, 2]))).toEqual([0, 0]);
  });
});

describe("a pass computes each for itself", () => {
  test("texts of two tenants, whatever the adapter and whatever their names hold", () => {
    expect(shared(item("a", plain, [1]), item("b", plain, [1]))).toEqual([0, 1]);
    expect(shared(item("", plain, [1]), item("/", plain, [1]))).toEqual([0, 1]);
  });

  test("one text under two adapters of which one changes the encoder", () => {
    expect(shared(item("a", one, [1]), item("a", other, [1]), item("a", plain, [1]))).toEqual([0, 1, 2]);
  });

  test("texts that differ in tokens, their types or where the mask is", () => {
    const items = [
      ...[item("a", one, [1, 2]), item("a", one, [12]), item("a", one, [1, 2], { typeIds: [0, 1] })],
      ...[item("a", one, [1, 2], { maskAt: 0 }), item("a", one, [1, 2], { maskAt: 1 })],
    ];
    expect(shared(...items)).toEqual([0, 1, 2, 3, 4]);
  });
});
