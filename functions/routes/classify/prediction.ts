// One text's scores → its prediction: the best label, and the best topK in descending order. A list,
// not an object: labels are any strings, and an object would reorder "10" and lose "__proto__".

import { z } from "zod";

const share = z.number().min(0).max(1);

export const predictionSchema = z
  .strictObject({
    ...{ label: z.string(), score: share },
    scores: z.array(z.strictObject({ label: z.string(), score: share })),
    outOfScope: z.boolean().meta({
      description: "The text seems to be of none of the labels; the label is the best guess all the same.",
    }),
    truncated: z
      .literal(true)
      .meta({ description: "Only when the text was longer than the encoder takes." })
      .exactOptional(),
  })
  .meta({ id: "Prediction" });

export type Prediction = z.infer<typeof predictionSchema>;

/** Equal scores keep the order of the classes, so that answers repeat. */
export function predictionOf(
  classification: {
    scores_C: Float32Array;
    labels: readonly string[];
    truncated: boolean;
    outOfScope: boolean;
  },
  topK: number,
): Prediction {
  const { scores_C, labels, truncated, outOfScope } = classification;
  const scores = labels
    .map((label, index) => ({ label, score: scoreAt(scores_C, index) }))
    .sort((left, right) => right.score - left.score)
    .slice(0, topK)
    .map(({ label, score }) => ({ label, score: toSixDigits(score) }));
  const best = scores[0];
  if (!best) throw new Error("invariant: an adapter has labels");
  return { label: best.label, score: best.score, scores, outOfScope, ...(truncated && { truncated }) };
}

function scoreAt(scores_C: Float32Array, index: number): number {
  const score = scores_C[index];
  if (score !== undefined && Number.isFinite(score)) return score;
  throw new Error(`invariant: the score of class ${index} of ${scores_C.length} is finite, got ${score}`);
}

/** A float32 holds about seven digits; the rest is noise. */
function toSixDigits(score: number): number {
  return Number(score.toPrecision(6));
}
