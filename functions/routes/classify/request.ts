// What POST /v1/classify takes, with its limits.
import { z } from "zod";

export const INPUTS_MAX = 256;
export const INPUT_CHARACTERS_MAX = 20_000;
export const TOP_K_MAX = 1_000;
/** Scores shown per text when topK is not given; keeps the response of 256 texts at a few MiB. */
export const TOP_K_DEFAULT = 100;

const textSchema = z
  .string("must be a string")
  .max(INPUT_CHARACTERS_MAX, `must have at most ${INPUT_CHARACTERS_MAX} characters`)
  .regex(/\S/, "must not be empty");

const inputSchema = z.union([textSchema, z.strictObject({ text: textSchema, textPair: textSchema })], {
  error: "must be a string, or an object of the two strings text and textPair",
});

export const classifyRequestSchema = z.strictObject({
  adapterId: z.string().min(1).max(200),
  /** One text is a list of one. */
  inputs: z.preprocess(
    (inputs) => (typeof inputs === "string" ? [inputs] : inputs),
    z
      .array(inputSchema, "must be a text or a list of texts")
      .min(1, "must have at least one text")
      .max(INPUTS_MAX, `must have at most ${INPUTS_MAX} texts`),
  ),
  topK: z.int().min(1).max(TOP_K_MAX).default(TOP_K_DEFAULT),
});
