import { describe, expect, test } from "vitest";
import { adviseExamples } from "./advise-examples.ts";
import { ADVICE_MAX } from "./report.ts";

const figures = (label: string, recall: number, precision = recall, support = 10) => ({
  ...{ label, recall, precision, support },
  f1: recall + precision === 0 ? 0 : (2 * recall * precision) / (recall + precision),
});

describe("advice", () => {
  test("names the weakest label first, with its figures, its count and what it is taken for", () => {
    const perLabel = [figures("a", 1), figures("b", 0.5, 0.8), figures("c", 0.3, 0.95), figures("d", 0.95)];
    const confusions = [
      { label: "c", answer: "b", count: 6 },
      { label: "b", answer: "d", count: 2 },
      { label: "c", answer: "a", count: 1 },
    ];
    const examples = new Map([
      ["a", 4],
      ["b", 40],
      ["c", 12],
      ["d", 40],
    ]);
    const advice = adviseExamples({ perLabel, confusions, examples });
    expect(advice.map(({ label }) => label)).toEqual(["c", "b"]);
    expect(advice[0]).toMatchObject({
      examples: 12,
      reasons: [
        { kind: "low_recall", recall: 0.3, n: 10 },
        { kind: "few_examples", examples: 12 },
        { kind: "taken_for", label: "b", count: 6 },
      ],
      message:
        '"c": 30 % of its 10 held-out rows are found; it has only 12 examples; 6 rows are taken for "b". ' +
        'Add examples of "c", above all such as could be taken for "b".',
    });
    expect(advice[1]?.reasons.map(({ kind }) => kind)).toEqual(["low_recall", "low_precision", "taken_for"]);
  });

  test("is silent about labels that are told well, however few examples they have", () => {
    const perLabel = [figures("a", 0.95), figures("b", 1)];
    const examples = new Map([
      ["a", 4],
      ["b", 4],
    ]);
    expect(adviseExamples({ perLabel, confusions: [], examples })).toEqual([]);
  });

  test("is silent about a label that no held-out row has", () => {
    const perLabel = [figures("a", 0.5), figures("b", 0.9), figures("c", 0, 0, 0)];
    const advice = adviseExamples({ perLabel, confusions: [], examples: new Map() });
    expect(advice.map(({ label }) => label)).toEqual(["a"]);
  });

  test("of equally weak labels puts the one of fewer examples first, and ends at its limit", () => {
    const perLabel = [
      figures("good", 1),
      ...Array.from({ length: 12 }, (_, at) => figures(`label ${at}`, 0.4)),
    ];
    const examples = new Map(perLabel.map(({ label }, at) => [label, 50 - at]));
    const advice = adviseExamples({ perLabel, confusions: [], examples });
    expect(advice.map(({ label }) => label)).toEqual([11, 10, 9, 8, 7].map((at) => `label ${at}`));
    expect(advice).toHaveLength(ADVICE_MAX);
  });
});
