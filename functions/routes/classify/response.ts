// What POST /v1/classify answers, as schemas: for the API's description, and for the types of clients.
import { z } from "zod";
import { predictionSchema } from "./prediction.ts";

export const classifyAnswerSchema = z.object({
  adapterId: z.string(),
  /** The version that answered, and its digest. */
  version: z.int(),
  digest: z.string(),
  /** One for each text, in order. */
  predictions: z.array(predictionSchema),
});

/** Of one request of a batch, or one line of a stream. */
export const failureSchema = z.object({
  code: z.string(),
  status: z.int(),
  title: z.string(),
  detail: z.string(),
  errors: z.array(z.object({ detail: z.string(), pointer: z.string().exactOptional() })).exactOptional(),
  /** Where asking again later may help. */
  retryAfterSeconds: z.int().exactOptional(),
});

export const classifyBatchAnswerSchema = z.object({
  /** One for each request, in order. */
  results: z.array(
    z.union([classifyAnswerSchema, z.object({ adapterId: z.string(), error: failureSchema })]),
  ),
});

const lineIdSchema = z.union([z.string(), z.number()]).exactOptional();

export const streamAnswerSchema = z.union([
  predictionSchema.extend({ id: lineIdSchema, adapterId: z.string(), version: z.int() }),
  /** Without a line it is of the stream itself, which ends with it. */
  z.object({ line: z.int().exactOptional(), id: lineIdSchema, error: failureSchema }),
]);

export type ClassifyAnswer = z.output<typeof classifyAnswerSchema>;
export type ClassifyBatchAnswer = z.output<typeof classifyBatchAnswerSchema>;
export type StreamAnswer = z.output<typeof streamAnswerSchema>;
export type Failure = z.output<typeof failureSchema>;
