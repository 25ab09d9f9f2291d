import { expect, it } from "vitest";
import { describeInsertions } from "./describe-insertions.ts";

it.each([
  [[], [], [], "none: the head alone"],
  [[2], [], [], "prompts at layer 2"],
  [
    [1, 3],
    [0, 2],
    [2],
    "prompts at layers 1, 3; scales and shifts at layers 0, 2; low-rank updates at layer 2",
  ],
])(
  "prompts at %j, scales and shifts at %j, low-rank updates at %j: %s",
  (prompts, scales, updates, words) => {
    const layers = { promptLayers: prompts, scaleShiftLayers: scales, lowRankLayers: updates };
    expect(describeInsertions(layers)).toBe(words);
  },
);
