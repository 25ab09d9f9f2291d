// A stored report → the report. The registry keeps it as it was given, so it is checked here before it is shown.
import { z } from "zod";
import { DEVICES, INSERTION_KINDS } from "#model";
import { TrainerError } from "../errors.ts";
import type { TrainingReport } from "../report.ts";

const share = z.number().min(0).max(1);
const count = z.int().min(0);
const row = z.int().min(1);
const figures = z.object({ accuracy: share, macroF1: share, n: count });
const place = z.object({ kind: z.enum(INSERTION_KINDS), layer: count });

const labelEvaluation = z.object({
  ...{ label: z.string(), precision: share, recall: share, f1: share, support: count },
});

const heldOut = z.object({
  from: z.enum(["every_example_once", "half_of_the_examples", "validation_file"]),
  ...figures.shape,
  perLabel: z.array(labelEvaluation),
  confusions: z.array(z.object({ label: z.string(), answer: z.string(), count })),
  confusionMatrix: z.object({ labels: z.array(z.string()), counts: z.array(z.array(count)) }),
  outOfScope: z.object({ below: z.number(), expectedInScopeRecall: share, n: count }).exactOptional(),
  calibration: z.object({
    errorBefore: share,
    errorAfter: share,
    bins: z.array(z.object({ n: count, confidence: share, accuracy: share })),
  }),
  suspectsFound: count,
  suspects: z.array(z.object({ row, label: z.string(), guess: z.string(), score: share })),
});

const advice = z.object({
  label: z.string(),
  examples: count,
  f1: share,
  reasons: z.array(
    z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("few_examples"), examples: count }),
      z.object({ kind: z.literal("low_recall"), recall: share, n: count }),
      z.object({ kind: z.literal("low_precision"), precision: share }),
      z.object({ kind: z.literal("taken_for"), label: z.string(), count }),
    ]),
  ),
  message: z.string(),
});

export const warningSchema = z.object({
  code: z.enum([
    ...["duplicate_rows", "conflicting_labels", "similar_rows_conflict", "small_class", "unbalanced_classes"],
    ...["labels_trimmed", "extra_columns", "columns_guessed", "rows_sampled", "byte_order_mark"],
  ] as const),
  message: z.string(),
  rows: z.array(row).exactOptional(),
  pairs: z.array(z.tuple([row, row])).exactOptional(),
});

const phase = z.object({
  name: z.enum(["embed", "search", "validate", "retrain", "head", "report"]),
  seconds: z.number().min(0),
  steps: count,
  loss: z.number().exactOptional(),
  lossHistory: z.array(z.object({ step: count, loss: z.number() })).exactOptional(),
});

const candidate = z.object({
  labelWords: z.literal(true).exactOptional(),
  learningRate: z.number().exactOptional(),
  insertions: z.array(place).exactOptional(),
  ...{ accuracy: share, macroF1: share, loss: z.number() },
  ...{ preferred: z.literal(true).exactOptional(), chosen: z.boolean() },
});

const comparison = z.object({
  ...{ version: z.int().min(1), how: z.string(), n: count },
  candidate: z.object({ accuracy: share, macroF1: share }),
  production: z.object({ accuracy: share, macroF1: share }),
  onFeedback: z.object({ n: count, candidate: share, production: share }).exactOptional(),
});

const device = z.object({
  used: z.enum(DEVICES),
  speedup: z.number().exactOptional(),
  passedOver: z.array(z.object({ device: z.enum(DEVICES), reason: z.string() })).exactOptional(),
});

/** Of a report of this version of Softgate. */
export const reportSchema = z.object({
  method: z.enum(["auto", "spt"]),
  ...{ seed: count, examples: count, truncatedExamples: count, classes: count },
  sampledFrom: count.exactOptional(),
  labelNames: z.object({ taught: z.boolean(), accuracy: share, examplesAccuracy: share }).exactOptional(),
  verbalizer: z.object({ template: z.string(), words: z.array(z.string()) }).exactOptional(),
  promptLayers: z.array(count),
  scaleShiftLayers: z.array(count),
  lowRankLayers: z.array(count),
  gates: z.array(z.object({ ...place.shape, value: share })),
  gateHistory: z.array(z.object({ step: count, values: z.array(share) })),
  ...{ trainedParameters: count, backboneParameters: count },
  phases: z.array(phase),
  validation: figures.exactOptional(),
  heldOut,
  comparison: comparison.exactOptional(),
  advice: z.array(advice),
  warnings: z.array(warningSchema),
  frozenProbe: figures.exactOptional(),
  candidates: z.array(candidate),
  temperature: z.number(),
  device,
  seconds: z.number(),
});

/** Throws TrainerError report_not_found, for a report of another form too: an older or newer Softgate's. */
export function parseReport(value: unknown): TrainingReport {
  const parsed = reportSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new TrainerError(
    "report_not_found",
    "This version has no report, or one of another version of Softgate. Train it again to have one.",
    { cause: parsed.error },
  );
}
