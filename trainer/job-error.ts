// Any error → what a failed job tells its tenant, and whether another attempt may help. Errors of the rooms carry a
// code and a message made for the caller; of all others only that the training failed.
import type { JobError } from "./job.ts";

/** While it waits to be begun again. */
export const TRAINER_LOST: JobError = {
  code: "job_interrupted",
  message: "The trainer of this job was lost before it was done; it is begun again.",
};

export const JOB_INTERRUPTED: JobError = {
  code: "job_interrupted",
  message:
    "The trainers of this job were lost before it was done, as often as it may be begun; submit it again.",
};

/** What may pass: a trainer that ran out of memory or disk, a store that does not answer, and faults that nobody foresaw. */
const PASSING: readonly string[] = [
  ...["training_failed", "scratch_full", "store_unreachable", "conflict", "jobs_unavailable"],
];

export function jobErrorOf(error: unknown): JobError & { readonly mayPass: boolean } {
  return isRoomError(error)
    ? { code: error.code, message: error.publicMessage, mayPass: PASSING.includes(error.code) }
    : {
        code: "training_failed",
        message: "The training failed on the server; its log has the reason under the job's id.",
        mayPass: true,
      };
}

/** By shape, not by class: this room knows the registry by its types alone. */
function isRoomError(error: unknown): error is Error & { code: string; publicMessage: string } {
  return (
    error instanceof Error &&
    "code" in error &&
    typeof error.code === "string" &&
    "publicMessage" in error &&
    typeof error.publicMessage === "string"
  );
}
