// Scores as other servers' clients expect them: a list of labels with a number each, the best first.
import { z } from "zod";
import type { Prediction } from "../classify/prediction.ts";

/** softmax: calibrated probabilities. none: their logarithms, which are the logits but for a constant. */
export type Activation = "softmax" | "none";

export const scoredLabelsSchema = z
  .array(z.strictObject({ label: z.string(), score: z.number() }))
  .readonly();

/** Of a probability that was rounded to 0, so that there is a number. */
const PROBABILITY_MIN = 1e-38;

export function scoredLabels(
  { scores }: Prediction,
  activation: Activation,
): z.infer<typeof scoredLabelsSchema> {
  if (activation === "softmax") return scores;
  return scores.map(({ label, score }) => ({
    label,
    score: Number(Math.log(Math.max(score, PROBABILITY_MIN)).toPrecision(6)),
  }));
}
