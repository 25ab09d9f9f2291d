import { expect, test } from "vitest";
import { SharedFloats } from "./shared-floats.ts";

test("grow in place: what was there stays, also in views given out before, and the new ones are zeros", () => {
  const floats = new SharedFloats(2);
  const before = floats.view;
  before.set([1, 2]);
  floats.grow(4);
  expect([...floats.view]).toEqual([1, 2, 0, 0]);
  expect([...before]).toEqual([1, 2]);
  floats.view[0] = 7;
  expect(before[0]).toBe(7);
  expect(floats.view.buffer).toBe(before.buffer);
});

test("beyond what was reserved they are moved, and lose nothing", () => {
  const floats = new SharedFloats(2);
  floats.view.set([1, 2]);
  const length = 70 * 1024 * 1024;
  floats.grow(length);
  expect([...floats.view.subarray(0, 3)]).toEqual([1, 2, 0]);
  expect(floats.view.length).toBe(length);
});
