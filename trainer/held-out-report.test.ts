import { describe, expect, test } from "vitest";
import { adviseExamples } from "./advise-examples.ts";
import { describeHeldOut } from "./held-out-report.ts";
import {
  ADVICE_MAX,
  CONFUSIONS_MAX,
  GATE_HISTORY_MAX,
  LABELS_TOLD_MAX,
  MATRIX_LABELS_MAX,
  SUSPECTS_MAX,
} from "./report.ts";

const classes = ["a", "b", "c"];

/** Logits whose softmax at temperature 1 is the given scores. */
const logitsOf = (scores: readonly (readonly number[])[]) =>
  Float32Array.from(scores.flatMap((row) => row.map((score) => Math.log(score))));

const reportOf = (scores: readonly (readonly number[])[], labels: readonly number[], temperature = 1) =>
  describeHeldOut(
    { logits_BC: logitsOf(scores), temperature, inScope: [logitsOf(scores)] },
    { from: "every_example_once", labels, rows: labels.map((_, index) => index + 2), classes },
  );

describe("held-out rows", () => {
  test("give each label's figures, and what was answered instead of what, the most frequent first", () => {
    const [a, b, c] = [
      [0.8, 0.1, 0.1],
      [0.1, 0.8, 0.1],
      [0.1, 0.1, 0.8],
    ] as const;
    const { n, accuracy, perLabel, confusions, confusionMatrix } = reportOf(
      [a, b, b, c, b, a],
      [0, 0, 0, 0, 1, 2],
    );
    expect([n, accuracy]).toEqual([6, 2 / 6]);
    expect(confusionMatrix).toEqual({
      labels: classes,
      counts: [
        [1, 2, 1],
        [0, 1, 0],
        [1, 0, 0],
      ],
    });
    expect(perLabel).toMatchObject([
      { label: "a", precision: 0.5, recall: 0.25, support: 4 },
      { label: "b", precision: 1 / 3, recall: 1, support: 1 },
      { label: "c", precision: 0, recall: 0, support: 1 },
    ]);
    expect(confusions).toEqual([
      { label: "a", answer: "b", count: 2 },
      { label: "a", answer: "c", count: 1 },
      { label: "c", answer: "a", count: 1 },
    ]);
  });

  test("say how far scores can be believed: the distance of confidence and accuracy", () => {
    // Answers of 0.9, half of them right.
    const sure = [0.9, 0.05, 0.05];
    const { calibration } = reportOf([sure, sure], [0, 1]);
    expect(calibration.errorBefore).toBeCloseTo(0.4, 6);
    expect(calibration.errorAfter).toBeCloseTo(0.4, 6);
    expect(calibration.bins).toEqual([{ n: 2, confidence: expect.closeTo(0.9, 6), accuracy: 0.5 }]);
    // Any temperature above 1 makes them less sure, and here so much better.
    expect(reportOf([sure, sure], [0, 1], 3).calibration.errorAfter).toBeLessThan(0.15);
    expect(reportOf([sure, sure], [0, 1], 3).calibration.errorBefore).toBeCloseTo(0.4, 6);
  });

  test("name as suspect a row whose guess is as sure as rows of that label are, the clearest first", () => {
    const scores = [
      [0.7, 0.2, 0.1],
      [0.2, 0.7, 0.1],
      [0.1, 0.85, 0.05],
      [0.05, 0.9, 0.05],
      [0.3, 0.45, 0.25],
    ];
    // Class b's own rows have a mean score of 0.7; row 6 of class a reaches only 0.45.
    const { suspects } = reportOf(scores, [0, 1, 0, 0, 0]);
    expect(suspects).toEqual([
      { row: 5, label: "a", guess: "b", score: expect.closeTo(0.9, 6) },
      { row: 4, label: "a", guess: "b", score: expect.closeTo(0.85, 6) },
    ]);
  });

  test("choose the out-of-scope threshold where they are enough", () => {
    const scores = Array.from({ length: 40 }, (_, row) => [0.9 - row / 100, 0.05 + row / 100, 0.05]);
    const labels = scores.map(() => 0);
    const { outOfScope } = reportOf(scores, labels, 5);
    // The second smallest of the largest logits, whatever the temperature.
    const largest = scores.map((row) => Math.log(Math.max(...row))).toSorted((x, y) => x - y);
    expect(outOfScope).toMatchObject({ below: expect.closeTo(largest[1] ?? 0, 5), n: 40 });
    expect(outOfScope?.expectedInScopeRecall).toBeCloseTo(1 - 2 / 41, 9);
    expect(reportOf(scores.slice(0, 10), labels.slice(0, 10))).not.toHaveProperty("outOfScope");
  });

  test("put into the matrix of many labels those that errors concern most, in their order", () => {
    const many = Array.from({ length: MATRIX_LABELS_MAX + 6 }, (_, index) => `label ${index}`);
    const labels = many.map((_, index) => index);
    // Only the last label is taken for another, the one before it.
    const last = many.length - 1;
    const rows = labels.map((label) => {
      const answer = label === last ? last - 1 : label;
      return many.map((_, other) => (other === answer ? 0.9 : 0.01));
    });
    const { confusionMatrix } = describeHeldOut(
      { logits_BC: logitsOf(rows), temperature: 1, inScope: [] },
      { from: "validation_file", labels, rows: labels, classes: many },
    );
    const { labels: shown, counts } = confusionMatrix;
    expect(shown).toEqual([...many.slice(0, MATRIX_LABELS_MAX - 2), ...many.slice(-2)]);
    expect(counts.at(-1)?.slice(-2)).toEqual([1, 0]);
    expect(counts.at(-2)?.slice(-2)).toEqual([1, 0]);
    expect(counts[0]?.[0]).toBe(1);
  });

  test("are told within limits", () => {
    const many = Array.from({ length: 260 }, (_, index) => `label ${index}`);
    const labels = many.flatMap((_, index) => [index, index]);
    // Every other row of a label looks like the next label's.
    const rows = labels.map((label, index) =>
      many.map((_, other) => (other === (index % 2 === 0 ? label : (label + 1) % 260) ? 0.9 : 0.1 / 259)),
    );
    const { perLabel, confusions, confusionMatrix, suspects, suspectsFound } = describeHeldOut(
      { logits_BC: logitsOf(rows), temperature: 1, inScope: [] },
      { from: "half_of_the_examples", labels, rows: labels, classes: many },
    );
    expect(perLabel).toHaveLength(LABELS_TOLD_MAX);
    expect(confusions).toHaveLength(CONFUSIONS_MAX);
    expect(suspects).toHaveLength(SUSPECTS_MAX);
    // One row of each label.
    expect(suspectsFound).toBe(many.length);
    expect(confusionMatrix.labels).toHaveLength(MATRIX_LABELS_MAX);
    expect(confusionMatrix.counts.map((row) => row.length)).toEqual(
      Array(MATRIX_LABELS_MAX).fill(MATRIX_LABELS_MAX),
    );
  });

  test("of 1,000 labels of the longest names leave room for the rest in a job's record of 256 KiB", () => {
    // 100 characters of three bytes each.
    const many = Array.from({ length: 1_000 }, (_, index) => "\u4e00".repeat(96) + String(1_000 + index));
    const labels = many.flatMap((_, index) => [index, index]);
    const logits_BC = new Float32Array(labels.length * many.length);
    // Every label is taken for the next, so that all lists are full.
    for (const [row, label] of labels.entries())
      logits_BC[row * many.length + ((label + 1) % many.length)] = 9.5;
    const heldOut = describeHeldOut(
      { logits_BC, temperature: 0.7, inScope: [logits_BC] },
      { from: "every_example_once", labels, rows: labels, classes: many },
    );
    const advice = adviseExamples({ ...heldOut, examples: new Map() });
    expect(
      [heldOut.perLabel, heldOut.confusions, heldOut.suspects, advice].map(({ length }) => length),
    ).toEqual([...[LABELS_TOLD_MAX, CONFUSIONS_MAX, SUSPECTS_MAX, ADVICE_MAX]]);
    const bytes = Buffer.byteLength(JSON.stringify({ heldOut, advice }));
    // Gates of 24 insertions, losses of four phases, candidates, warnings.
    const rest =
      Buffer.byteLength(JSON.stringify(Array(GATE_HISTORY_MAX * 24).fill(Math.PI / 4))) + 32 * 1024;
    expect(bytes + rest).toBeLessThan(256 * 1024);
  });
});
