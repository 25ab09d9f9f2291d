// A training's report with everything in it, for tests of what is made of one.
import type { TrainingReport } from "#trainer/job";

/** Of the given labels, at least two; the figures differ by label, and the last is taken for the first. */
export function makeReport(labels: readonly string[], changes: Partial<TrainingReport> = {}): TrainingReport {
  const last = labels.at(-1) ?? "";
  const layers = [0, 1, 2];
  const gates = (["prompt_generator", "scale_shift"] as const).flatMap((kind) =>
    layers.map((layer) => ({ kind, layer, value: 0.4 + layer / 10 })),
  );
  const scales = layers.map((layer) => ({ kind: "scale_shift" as const, layer }));
  return {
    ...{ method: "auto", seed: 3, examples: 250, truncatedExamples: 2, classes: labels.length },
    labelNames: { taught: true, accuracy: 0.713, examplesAccuracy: 0.702 },
    verbalizer: { template: "{text} It was {mask} .", words: labels },
    ...{ promptLayers: [1], scaleShiftLayers: [0, 1, 2], lowRankLayers: [2], gates },
    gateHistory: [1, 15, 30].map((step) => ({ step, values: gates.map(({ value }) => value - 0.1 / step) })),
    ...{ trainedParameters: 9999, backboneParameters: 22_000_000 },
    phases: [
      { name: "embed", seconds: 1.25, steps: 0 },
      {
        ...{ name: "retrain", seconds: 14.5, steps: 96, loss: 0.125 },
        lossHistory: [
          { step: 1, loss: 2.5 },
          { step: 96, loss: 0.125 },
        ],
      },
    ],
    validation: { accuracy: 0.811, macroF1: 0.802, n: 125 },
    heldOut: makeHeldOut(labels),
    advice: [
      {
        ...{ label: last, examples: 7, f1: 0.5, reasons: [{ kind: "few_examples", examples: 7 }] },
        message: `"${last}": it has only 7 examples. Add examples of "${last}".`,
      },
    ],
    warnings: [
      {
        code: "duplicate_rows",
        message: "1 row repeats an earlier one, text and label: row 9 repeats row 2.",
        ...{ rows: [9], pairs: [[2, 9]] },
      },
    ],
    frozenProbe: { accuracy: 0.789, macroF1: 0.78, n: 125 },
    candidates: [
      { labelWords: true, accuracy: 0.456, macroF1: 0.432, loss: 0.987, chosen: false },
      { accuracy: 0.789, macroF1: 0.78, loss: 0.654, chosen: false },
      { learningRate: 0.005, insertions: scales, accuracy: 0.811, macroF1: 0.802, loss: 0.543, chosen: true },
    ],
    ...{ temperature: 0.987, device: { used: "cpu" }, seconds: 42.5 },
    ...changes,
  };
}

function makeHeldOut(labels: readonly string[]): TrainingReport["heldOut"] {
  const [first = "", last = ""] = [labels[0], labels.at(-1)];
  const wrong = (row: number, column: number) => row === labels.length - 1 && column === 0;
  return {
    ...{ from: "every_example_once", n: 250, accuracy: 0.8125, macroF1: 0.8031 },
    perLabel: labels.map((label, index) => ({
      label,
      precision: 0.601 + index / 1000,
      recall: 0.701 + index / 1000,
      f1: 0.651 + index / 1000,
      support: 20 + index,
    })),
    confusions: [{ label: last, answer: first, count: 3 }],
    confusionMatrix: {
      labels,
      counts: labels.map((_, row) =>
        labels.map((_, column) => (row === column ? 17 : wrong(row, column) ? 3 : 0)),
      ),
    },
    outOfScope: { below: 1.2345, expectedInScopeRecall: 0.952, n: 250 },
    calibration: {
      ...{ errorBefore: 0.1234, errorAfter: 0.0432 },
      bins: [
        { n: 50, confidence: 0.45, accuracy: 0.4 },
        { n: 200, confidence: 1, accuracy: 0.995 },
      ],
    },
    suspectsFound: 1,
    suspects: [{ row: 77, label: first, guess: last, score: 0.91 }],
  };
}
