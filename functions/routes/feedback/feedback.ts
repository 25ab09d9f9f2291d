// What of feedback a caller sends and sees.
import { z } from "zod";
import { feedbackSchema } from "#registry";
import { versionSchema } from "../../change-input.ts";
import { textSchema } from "../classify/request.ts";

const LABEL_CHARACTERS_MAX = 100;

const labelSchema = z.string().trim().min(1).max(LABEL_CHARACTERS_MAX);

export const feedbackRequestSchema = z.strictObject({
  text: wellFormed(textSchema),
  textPair: wellFormed(textSchema).exactOptional(),
  label: labelSchema.meta({ description: "The right one: of the labels that the adapter knows." }),
  version: versionSchema
    .exactOptional()
    .meta({ description: "That answered. Default: where the alias production points." }),
  answered: z
    .strictObject({
      label: labelSchema.exactOptional(),
      score: z.number().min(0).max(1).exactOptional(),
      requestId: z.string().min(1).max(200).exactOptional(),
    })
    .exactOptional()
    .meta({ description: "What was answered, where it is known; kept with the example." }),
});

export const feedbackAnswerSchema = feedbackSchema.meta({ id: "Feedback" });

/** Half of a surrogate pair could not be written to a dataset. */
function wellFormed(schema: z.ZodString) {
  return schema.refine((text) => text.isWellFormed(), "must have no half of a surrogate pair");
}
