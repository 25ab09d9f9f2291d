// What can go wrong in this room. publicMessage is for the caller and says what to do.

export type TrainerErrorCode =
  | "invalid_dataset"
  | "dataset_too_large"
  | "unsupported_media_type"
  | "invalid_options"
  | "scratch_full"
  | "device_unavailable"
  | "training_failed"
  | "job_interrupted"
  | "job_not_cancellable"
  | "job_not_retriable"
  | "job_key_reused"
  | "jobs_unavailable"
  | "webhook_url_refused"
  | "webhook_limit"
  | "report_not_found"
  | "queue_full";

export class TrainerError extends Error {
  readonly code: TrainerErrorCode;
  readonly publicMessage: string;
  /** Where in the input, when it is known. Rows count from 1 and the header is row 1. */
  readonly at: { readonly file?: string; readonly row?: number; readonly column?: string } | undefined;

  constructor(
    code: TrainerErrorCode,
    publicMessage: string,
    options: { cause?: unknown; at?: { file?: string; row?: number; column?: string } } = {},
  ) {
    super(publicMessage, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "TrainerError";
    this.code = code;
    this.publicMessage = publicMessage;
    this.at = options.at;
  }
}
