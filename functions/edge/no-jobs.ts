// The queue of a host that trains nothing.
import type { JobQueue } from "#trainer/job";
import { RequestError } from "../errors.ts";

/** Every job is refused, none is known. */
export const noJobs: JobQueue = {
  submit: () => Promise.reject(trainingUnsupported()),
  get: () => Promise.reject(trainingUnsupported()),
  close: async () => undefined,
};

function trainingUnsupported(): RequestError {
  return new RequestError(
    "training_unsupported",
    "This host classifies, and trains nothing: send trainings, and questions about them, to a Softgate server of the same store.",
  );
}
