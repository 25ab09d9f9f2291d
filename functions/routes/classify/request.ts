// What POST /v1/classify takes, with its limits: one request, a batch of them, or a stream's line.
import { z } from "zod";
import { wholeNumberSchema } from "../../page.ts";

export const INPUTS_MAX = 256;
/** Of all requests of a batch together. */
export const BATCH_INPUTS_MAX = 1_000;
export const INPUT_CHARACTERS_MAX = 20_000;
export const TOP_K_MAX = 1_000;
/** Scores shown per text when topK is not given; keeps the response of 256 texts at a few MiB. */
export const TOP_K_DEFAULT = 100;
/** Of a batch's texts and a stream's lines, of which there are more. */
export const BATCH_TOP_K_MAX = 100;

export const textSchema = z
  .string("must be a string")
  .max(INPUT_CHARACTERS_MAX, `must have at most ${INPUT_CHARACTERS_MAX} characters`)
  .regex(/\S/, "must not be empty");

const inputSchema = z.union([textSchema, z.strictObject({ text: textSchema, textPair: textSchema })], {
  error: "must be a string, or an object of the two strings text and textPair",
});

export const adapterIdSchema = z.string().min(1).max(200);

/** One text is a list of one. */
const inputsSchema = (textsMax: number) =>
  z.preprocess(
    (inputs) => (typeof inputs === "string" ? [inputs] : inputs),
    z
      .array(inputSchema, "must be a text or a list of texts")
      .min(1, "must have at least one text")
      .max(textsMax, `must have at most ${textsMax} texts`),
  );

export const classifyRequestSchema = z.strictObject({
  adapterId: adapterIdSchema,
  inputs: inputsSchema(INPUTS_MAX),
  topK: z.int().min(1).max(TOP_K_MAX).default(TOP_K_DEFAULT),
});

const batchTopKSchema = z.int().min(1).max(BATCH_TOP_K_MAX);

export const classifyBatchSchema = z.strictObject({
  requests: z
    .array(
      z.strictObject({
        adapterId: adapterIdSchema,
        inputs: inputsSchema(BATCH_INPUTS_MAX),
        topK: batchTopKSchema.default(TOP_K_DEFAULT),
      }),
      "must be a list of requests",
    )
    .min(1, "must have at least one request")
    .max(BATCH_INPUTS_MAX, `must have at most ${BATCH_INPUTS_MAX} requests`)
    .refine(
      (requests) => requests.reduce((sum, { inputs }) => sum + inputs.length, 0) <= BATCH_INPUTS_MAX,
      `must have at most ${BATCH_INPUTS_MAX} texts together`,
    ),
});

/** What a caller wants to find again in the line's answer. */
const lineIdSchema = z.union([z.string().max(200), z.number()], "must be a string or a number");

export const streamLineSchema = z.strictObject({
  id: lineIdSchema.exactOptional(),
  text: textSchema,
  textPair: textSchema.exactOptional(),
  /** Default: the query's. */
  adapterId: adapterIdSchema.exactOptional(),
  topK: batchTopKSchema.exactOptional(),
});

/** Of a line that is refused: its id, where it has a usable one. */
export const lineWithIdSchema = z.object({ id: lineIdSchema });

export const streamQuerySchema = z.strictObject({
  /** Of lines that name none. */
  adapterId: adapterIdSchema.exactOptional(),
  topK: wholeNumberSchema.pipe(batchTopKSchema).default(TOP_K_DEFAULT),
});

export type ClassifyBatch = z.output<typeof classifyBatchSchema>;
export type StreamLine = z.output<typeof streamLineSchema>;
