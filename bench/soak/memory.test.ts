import { expect, it } from "vitest";
import { growthPerMinute, plotMemory } from "./memory.ts";

const samples = (of: (seconds: number) => number) =>
  Array.from({ length: 120 }, (_, seconds) => ({ seconds, megabytes: of(seconds) }));

it("growth is that of the second half alone: what is filled at first is none", () => {
  expect(growthPerMinute(samples((seconds) => Math.min(100 + 10 * seconds, 500)))).toBeCloseTo(0, 9);
  expect(growthPerMinute(samples((seconds) => 300 + seconds / 20))).toBeCloseTo(3, 9);
  expect(growthPerMinute([{ seconds: 0, megabytes: 1 }])).toBe(0);
});

it("a plot's line rises where memory does", () => {
  const path = / d="M([^"]+)"/.exec(plotMemory(samples((seconds) => 100 + seconds)))?.[1] ?? "";
  const heights = path.split(" L").map((point) => Number(point.split(" ")[1]));
  expect(heights).toHaveLength(120);
  expect(heights.toSorted((a, b) => b - a)).toEqual(heights);
});
