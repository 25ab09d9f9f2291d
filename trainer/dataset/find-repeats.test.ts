import { expect, it } from "vitest";
import { firstRowsOf } from "./find-repeats.ts";

it("knows a text again by its words, and a pair by both", () => {
  expect(firstRowsOf(["Hello, world!", "other", "hello  WORLD", "!?", "!?", "?!"])).toEqual([
    0, 1, 0, 3, 3, 5,
  ]);
  expect(
    firstRowsOf([
      { text: "a b", textPair: "c" },
      { text: "a", textPair: "b c" },
      { text: "A b.", textPair: "C" },
    ]),
  ).toEqual([0, 1, 0]);
});
