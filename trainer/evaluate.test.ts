import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evaluate } from "./evaluate.ts";

describe("evaluate", () => {
  it("gives the figures of a confusion matrix worked out by hand", () => {
    // a: 2 of 3 found; b: 1 of 2 found, and answered 3 times; c: never answered.
    const evaluation = evaluate([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 0, 1], ["a", "b", "c"]);
    expect(evaluation.accuracy).toBeCloseTo(3 / 6, 12);
    expect(evaluation.n).toBe(6);
    expect(evaluation.perLabel).toEqual([
      { label: "a", precision: 2 / 3, recall: 2 / 3, f1: 2 / 3, support: 3 },
      { label: "b", precision: 1 / 3, recall: 1 / 2, f1: 2 / 5, support: 2 },
      { label: "c", precision: 0, recall: 0, f1: 0, support: 1 },
    ]);
    expect(evaluation.macroF1).toBeCloseTo((2 / 3 + 2 / 5 + 0) / 3, 12);
  });

  it("a label that neither occurs nor was answered is listed but not averaged", () => {
    const evaluation = evaluate([0, 1], [0, 1], ["a", "b", "unseen"]);
    expect(evaluation.macroF1).toBe(1);
    expect(evaluation.perLabel.map(({ label }) => label)).toEqual(["a", "b", "unseen"]);
  });

  it("no examples are no error", () => {
    expect(evaluate([], [], ["a", "b"])).toMatchObject({ accuracy: 0, macroF1: 0, n: 0 });
  });

  it("refuses answers that do not fit the examples or the labels", () => {
    expect(() => evaluate([0], [], ["a"])).toThrow("invariant");
    expect(() => evaluate([0], [1], ["a"])).toThrow("invariant");
    expect(() => evaluate([0.5], [0], ["a"])).toThrow("invariant");
  });

  it("all figures lie in 0 … 1, and supports add up to n", () => {
    const pairs = fc.array(fc.tuple(fc.nat(4), fc.nat(4)), { maxLength: 50 });
    fc.assert(
      fc.property(pairs, (answers) => {
        const evaluation = evaluate(
          answers.map(([actual]) => actual),
          answers.map(([, predicted]) => predicted),
          ["a", "b", "c", "d", "e"],
        );
        const figures = evaluation.perLabel.flatMap(({ precision, recall, f1 }) => [precision, recall, f1]);
        for (const figure of [...figures, evaluation.accuracy, evaluation.macroF1]) {
          expect(figure).toBeGreaterThanOrEqual(0);
          expect(figure).toBeLessThanOrEqual(1);
        }
        expect(evaluation.perLabel.reduce((sum, { support }) => sum + support, 0)).toBe(answers.length);
      }),
    );
  });
});
