// Any error → what a failed job tells its tenant. Errors of the rooms carry a code and a message made
// for the caller; of all others only that the training failed.

export interface JobError {
  readonly code: string;
  readonly message: string;
}

export const JOB_INTERRUPTED: JobError = {
  code: "job_interrupted",
  message: "The server stopped before this job was done; submit it again.",
};

export function jobErrorOf(error: unknown): JobError {
  return isRoomError(error)
    ? { code: error.code, message: error.publicMessage }
    : {
        code: "training_failed",
        message: "The training failed on the server; its log has the reason under the job's id.",
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
