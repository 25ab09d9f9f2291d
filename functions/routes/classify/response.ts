// What POST /v1/classify answers, as schemas: for the API's description, and for the types of clients.
import { z } from "zod";
import { digestSchema } from "#registry";
import { errorDetailSchema } from "../../errors.ts";
import { predictionSchema } from "./prediction.ts";

export const classifyAnswerSchema = z
  .strictObject({
    adapterId: z.string(),
    /** The version that answered, and its digest. */
    version: z.int(),
    digest: digestSchema,
    /** One for each text, in order. */
    predictions: z.array(predictionSchema),
  })
  .meta({ id: "Classification" });

/** Of one request of a batch, or one line of a stream. */
export const failureSchema = z
  .strictObject({
    code: z.string(),
    status: z.int(),
    title: z.string(),
    detail: z.string(),
    errors: z.array(errorDetailSchema).exactOptional(),
    /** Where asking again later may help. */
    retryAfterSeconds: z.int().exactOptional(),
  })
  .meta({ id: "Failure" });

export const classifyBatchAnswerSchema = z.strictObject({
  /** One for each request, in order. */
  results: z.array(
    z.union([classifyAnswerSchema, z.strictObject({ adapterId: z.string(), error: failureSchema })]),
  ),
});

const lineIdSchema = z.union([z.string(), z.number()]).exactOptional();

export const streamAnswerSchema = z.union([
  predictionSchema.extend({ id: lineIdSchema, adapterId: z.string(), version: z.int() }),
  /** Without a line it is of the stream itself, which ends with it. */
  z.strictObject({ line: z.int().exactOptional(), id: lineIdSchema, error: failureSchema }),
]);

export type ClassifyAnswer = z.output<typeof classifyAnswerSchema>;
export type ClassifyBatchAnswer = z.output<typeof classifyBatchAnswerSchema>;
export type StreamAnswer = z.output<typeof streamAnswerSchema>;
export type Failure = z.output<typeof failureSchema>;
