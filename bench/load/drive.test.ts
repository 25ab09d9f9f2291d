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
  let running = 0;
  let most = 0;
  const slow = async () => {
    running += 1;
    most = Math.max(most, running);
    await setTimeout(100);
    running -= 1;
  };
  const milliseconds = await askAtRate(slow, { perSecond: 200, seconds: 0.5, random: createRandom(1) });
  expect(milliseconds.length).toBeGreaterThan(60);
  expect(milliseconds.length).toBeLessThan(140);
  expect(most).toBeGreaterThan(5);
  expect(Math.min(...milliseconds)).toBeGreaterThan(95);
});

it("in a loop, no more requests are under way than there are connections", async () => {
  let running = 0;
  let most = 0;
  const ask = async () => {
    running += 1;
    most = Math.max(most, running);
    await setTimeout(5);
    running -= 1;
  };
  expect(await askInLoop(ask, { connections: 3, seconds: 0.1 })).toBeGreaterThan(0);
  expect(most).toBe(3);
});
