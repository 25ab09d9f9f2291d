import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Queued, TokenQueue } from "./token-queue.ts";

interface Item extends Queued {
  readonly id: number;
}

const TENANTS = ["a", "b", "c", "d"];
const items = fc.array(
  fc.record({ tenant: fc.constantFrom(...TENANTS), tokens: fc.integer({ min: 1, max: 50 }) }),
  { maxLength: 60 },
);

function queueOf(list: readonly Queued[]): TokenQueue<Item> {
  const queue = new TokenQueue<Item>();
  for (const [id, item] of list.entries()) queue.add({ ...item, id });
  return queue;
}

describe("a token queue", () => {
  test("gives each item once, a tenant's in the order they came, and counts what waits", () => {
    fc.assert(
      fc.property(items, fc.integer({ min: 1, max: 200 }), (list, tokensMax) => {
        const queue = queueOf(list);
        const given: Item[] = [];
        while (queue.length > 0) {
          const left = list.filter((_, id) => !given.some((item) => item.id === id));
          expect(queue.tokens).toBe(left.reduce((sum, { tokens }) => sum + tokens, 0));
          for (const tenant of TENANTS) {
            const own = left.filter((item) => item.tenant === tenant);
            expect(queue.lengthOf(tenant)).toBe(own.length);
            expect(queue.tokensOf(tenant)).toBe(own.reduce((sum, { tokens }) => sum + tokens, 0));
          }
          given.push(...queue.take(tokensMax));
        }
        expect(given.map(({ id }) => id).sort((a, b) => a - b)).toEqual(list.map((_, id) => id));
        for (const tenant of TENANTS) {
          const ids = given.filter((item) => item.tenant === tenant).map(({ id }) => id);
          expect(ids).toEqual(ids.toSorted((a, b) => a - b));
        }
      }),
    );
  });

  test("takes up to the budget, and stops only where the next item does not fit", () => {
    fc.assert(
      fc.property(items, fc.integer({ min: 1, max: 200 }), (list, tokensMax) => {
        const queue = queueOf(list);
        const taken = queue.take(tokensMax);
        const tokens = taken.reduce((sum, item) => sum + item.tokens, 0);
        if (taken.length > 1) expect(tokens).toBeLessThanOrEqual(tokensMax);
        const [next] = queue.take(1);
        if (next) expect(tokens + next.tokens).toBeGreaterThan(tokensMax);
      }),
    );
  });

  test("while two tenants wait, what they were served differs by no more than their largest items", () => {
    fc.assert(
      fc.property(items, (list) => {
        const queue = queueOf(list);
        const served = new Map(TENANTS.map((tenant) => [tenant, 0]));
        const largest = Math.max(...list.map(({ tokens }) => tokens));
        const waiting = () => TENANTS.filter((tenant) => queue.lengthOf(tenant) > 0);
        while (queue.length > 0) {
          for (const item of queue.take(1))
            served.set(item.tenant, (served.get(item.tenant) ?? 0) + item.tokens);
          const counts = waiting().map((tenant) => served.get(tenant) ?? 0);
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(
            counts.length > 1 ? largest : Infinity,
          );
        }
      }),
    );
  });

  test("serves one that comes late among a hot tenant's thousand at once, and then in turn", () => {
    const queue = queueOf(Array.from({ length: 1000 }, () => ({ tenant: "hot", tokens: 10 })));
    for (let pass = 0; pass < 5; pass++) queue.take(100);
    for (let id = 0; id < 10; id++) queue.add({ tenant: "late", tokens: 10, id });
    const tenants = queue.take(100).map(({ tenant }) => tenant);
    expect(tenants.filter((tenant) => tenant === "late")).toHaveLength(5);
  });

  test("silence saves up no claim", () => {
    const queue = queueOf([{ tenant: "quiet", tokens: 1 }]);
    queue.take(1);
    for (let id = 0; id < 100; id++) queue.add({ tenant: "busy", tokens: 10, id });
    queue.take(500);
    for (let id = 0; id < 100; id++) queue.add({ tenant: "quiet", tokens: 10, id });
    const tenants = queue.take(200).map(({ tenant }) => tenant);
    expect(tenants.filter((tenant) => tenant === "busy").length).toBeGreaterThanOrEqual(9);
  });

  test("one that left with more than its share pays it back", () => {
    const queue = queueOf([
      { tenant: "large", tokens: 100 },
      { tenant: "small", tokens: 10 },
      { tenant: "small", tokens: 10 },
      { tenant: "small", tokens: 10 },
    ]);
    expect(queue.take(100).map(({ tenant }) => tenant)).toEqual(["large"]);
    queue.add({ tenant: "large", tokens: 10, id: 9 });
    expect(queue.takeAll().map(({ tenant }) => tenant)).toEqual(["small", "small", "small", "large"]);
  });
});
