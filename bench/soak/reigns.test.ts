import { expect, it } from "vitest";
import { Reigns } from "./reigns.ts";

it("a version may answer from the change that made it current until so long after the one that ended it", () => {
  const reigns = new Reigns(1_000, "one");
  reigns.change("two", { fromMs: 100, endedMs: 200 });
  const at = (sentMs: number, answeredMs: number) => ({ sentMs, answeredMs });
  expect(reigns.allows("one", at(0, 50))).toBe(true);
  expect(reigns.allows("two", at(0, 99))).toBe(false);
  expect(reigns.allows("two", at(0, 100))).toBe(true);
  expect(reigns.allows("one", at(1_200, 1_300))).toBe(true);
  expect(reigns.allows("one", at(1_201, 1_300))).toBe(false);
  expect(reigns.allows("three", at(0, 5_000))).toBe(false);
});

it("that there is none may be answered only about the time when there was none", () => {
  const reigns = new Reigns(1_000, "one");
  reigns.change(undefined, { fromMs: 5_000, endedMs: 5_010 });
  reigns.change("one", { fromMs: 6_000, endedMs: 6_010 });
  expect(reigns.current).toBe("one");
  expect(reigns.allows(undefined, { sentMs: 4_000, answeredMs: 4_900 })).toBe(false);
  expect(reigns.allows(undefined, { sentMs: 5_500, answeredMs: 5_600 })).toBe(true);
  expect(reigns.allows("one", { sentMs: 5_500, answeredMs: 5_600 })).toBe(true);
  expect(reigns.allows("one", { sentMs: 6_020, answeredMs: 6_030 })).toBe(true);
  expect(reigns.allows(undefined, { sentMs: 7_020, answeredMs: 7_030 })).toBe(false);
});
