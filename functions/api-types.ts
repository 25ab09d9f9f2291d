// The door to the types of requests and answers, for clients of the HTTP API: made of the schemas that the server reads
// and answers with. Types alone, so that nothing of the server is in a client.
import type { z } from "zod";
import type { adapterSchema } from "./routes/adapters/list.ts";
import type { predictionSchema } from "./routes/classify/prediction.ts";
import type {
  classifyBatchSchema,
  classifyRequestSchema,
  streamLineSchema,
} from "./routes/classify/request.ts";
import type {
  classifyAnswerSchema,
  classifyBatchAnswerSchema,
  streamAnswerSchema,
} from "./routes/classify/response.ts";
import type { uploadAnswerSchema } from "./routes/datasets/begin-upload.ts";
import type { datasetSchema } from "./routes/datasets/upload.ts";
import type { feedbackAnswerSchema, feedbackRequestSchema } from "./routes/feedback/feedback.ts";
import type { retrainAnswerSchema } from "./routes/feedback/retrain.ts";
import type { trainRequestSchema } from "./routes/jobs/create.ts";
import type { jobSchema } from "./routes/jobs/view.ts";
import type { shadowAnswerSchema } from "./routes/shadow/get.ts";
import type { shadowRequestSchema } from "./routes/shadow/set.ts";

type TextInput = string | { readonly text: string; readonly textPair: string };

/** Zod says unknown of what it prepares before it checks: one text is a list of one. */
type WithInputs<Request> = Omit<Request, "inputs"> & { readonly inputs: string | readonly TextInput[] };

export type ClassifyRequest = WithInputs<z.input<typeof classifyRequestSchema>>;
export type ClassifyAnswer = z.output<typeof classifyAnswerSchema>;
export interface ClassifyBatchRequest {
  readonly requests: readonly WithInputs<z.input<typeof classifyBatchSchema>["requests"][number]>[];
}
export type ClassifyBatchAnswer = z.output<typeof classifyBatchAnswerSchema>;
export type StreamLine = z.input<typeof streamLineSchema>;
export type StreamAnswer = z.output<typeof streamAnswerSchema>;
export type Prediction = z.output<typeof predictionSchema>;
export type DatasetAnswer = z.output<typeof datasetSchema>;
export type UploadAnswer = z.output<typeof uploadAnswerSchema>;
export type TrainRequest = z.input<typeof trainRequestSchema>;
export type JobAnswer = z.output<typeof jobSchema>;
export type FeedbackRequest = z.input<typeof feedbackRequestSchema>;
export type FeedbackAnswer = z.output<typeof feedbackAnswerSchema>;
export type RetrainAnswer = z.output<typeof retrainAnswerSchema>;
export type ShadowRequest = z.input<typeof shadowRequestSchema>;
export type ShadowAnswer = z.output<typeof shadowAnswerSchema>;
export type AdapterSummary = z.output<typeof adapterSchema>;
