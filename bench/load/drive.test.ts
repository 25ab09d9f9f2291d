import { setTimeout } from "node:timers/promises";
import { expect, it } from "vitest";
import { createRandom } from "#trainer";
import { askAtRate, askInLoop, zipf } from "./drive.ts";

it("Zipf's law: the first comes twice as often as the second, ten times as often as the tenth", () => {
  const pick = zipf(100, createRandom(1));
  const counts = new Map<number, number>();
  for (let n = 0; n < 100_000; n++) {
    const at = pick();
    counts.set(at, (counts.get(at) ?? 0) + 1);
  }
  const first = counts.get(0) ?? 0;
  expect(first / (counts.get(1) ?? 0)).toBeCloseTo(2, 0);
  expect(first / (counts.get(9) ?? 0)).toBeGreaterThan(8);
  expect(first / (counts.get(9) ?? 0)).toBeLessThan(12);
  expect(Math.max(...counts.keys())).toBeLessThanOrEqual(99);
});

it("at a rate, requests are due whether or not answers come, and time counts from when they were due", async () => {
  const asked = counting(100);
  const milliseconds = await askAtRate(asked.ask, { perSecond: 200, seconds: 0.5, random: createRandom(1) });
  expect(milliseconds.length).toBeGreaterThan(60);
  expect(milliseconds.length).toBeLessThan(140);
  expect(asked.most()).toBeGreaterThan(5);
  expect(Math.min(...milliseconds)).toBeGreaterThan(95);
});

it("in a loop, no more requests are under way than there are connections", async () => {
  const asked = counting(5);
  expect(await askInLoop(asked.ask, { connections: 3, seconds: 0.1 })).toBeGreaterThan(0);
  expect(asked.most()).toBe(3);
});

/** Requests that take so long, and how many of them were under way at once. */
function counting(milliseconds: number) {
  let running = 0;
  let most = 0;
  const ask = async () => {
    running += 1;
    most = Math.max(most, running);
    await setTimeout(milliseconds);
    running -= 1;
  };
  return { ask, most: () => most };
}
