import { expect, it } from "vitest";
import { predictionOf } from "./prediction.ts";

const scores = (...values: number[]) => ({
  scores_C: Float32Array.from(values),
  labels: values.map((_, index) => `class ${index}`),
  truncated: false,
  outOfScope: false,
});

it("sorts by score, and equal scores by class", () => {
  const { label, scores: sorted } = predictionOf(scores(0.25, 0.125, 0.5, 0.125), 4);
  expect(label).toBe("class 2");
  expect(sorted.map((one) => one.label)).toEqual(["class 2", "class 0", "class 1", "class 3"]);
});

it("shows six digits, also of the smallest score", () => {
  expect(predictionOf(scores(0.1, 1.234567e-9), 2).scores.map(({ score }) => score)).toEqual([
    0.1, 1.23457e-9,
  ]);
});

it("says of every text whether it is out of scope, and still gives its label", () => {
  const one = scores(0.25, 0.75);
  expect(predictionOf(one, 1)).toMatchObject({ label: "class 1", outOfScope: false });
  expect(predictionOf({ ...one, outOfScope: true }, 1)).toMatchObject({ label: "class 1", outOfScope: true });
});

it("fails the request on a score that is not a number, naming the class", () => {
  expect(() => predictionOf(scores(0.5, Number.NaN), 2)).toThrow("class 1");
});
