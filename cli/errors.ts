// What a failed command says and exits with: one message, one exit code per error code.
import { ModelError, type ModelErrorCode } from "#model";
import { RegistryError, type RegistryErrorCode } from "#registry";
import { TrainerError, type TrainerErrorCode } from "#trainer/job";

/**
 * bad_usage: the command line itself; file_unreadable: a file named on it; findings_left: of a check of a store;
 * mirror_incomplete: of adapters, some were not mirrored; problems_found: by doctor; the rest: of servers and profiles.
 */
export type CliErrorCode =
  | "bad_usage"
  | "file_unreadable"
  | "findings_left"
  | "mirror_incomplete"
  | "problems_found"
  | "server_unreachable"
  | "profile_not_found"
  | "profiles_unreadable"
  | "interrupted";

export class CliError extends Error {
  readonly code: CliErrorCode;
  readonly publicMessage: string;

  constructor(code: CliErrorCode, publicMessage: string, cause?: unknown) {
    super(publicMessage, cause === undefined ? undefined : { cause });
    this.name = "CliError";
    this.code = code;
    this.publicMessage = publicMessage;
  }
}

/** What a server answered, with its own code. */
export class RemoteError extends Error {
  readonly code: string;
  readonly publicMessage: string;
  readonly status: number;

  constructor(code: string, publicMessage: string, status: number) {
    super(publicMessage);
    this.name = "RemoteError";
    this.code = code;
    this.publicMessage = publicMessage;
    this.status = status;
  }
}

export const EXIT = { ok: 0, failed: 1, badInput: 2, notFound: 3, unreachable: 4, interrupted: 130 } as const;

export const exitCodeByCode = {
  bad_usage: EXIT.badInput,
  file_unreadable: EXIT.notFound,
  findings_left: EXIT.failed,
  mirror_incomplete: EXIT.failed,
  problems_found: EXIT.failed,
  server_unreachable: EXIT.unreachable,
  profile_not_found: EXIT.notFound,
  profiles_unreadable: EXIT.failed,
  interrupted: EXIT.interrupted,
  invalid_name: EXIT.badInput,
  invalid_reference: EXIT.badInput,
  adapter_not_found: EXIT.notFound,
  version_not_found: EXIT.notFound,
  alias_not_found: EXIT.notFound,
  adapter_deleted: EXIT.failed,
  version_in_use: EXIT.failed,
  version_damaged: EXIT.failed,
  no_earlier_version: EXIT.failed,
  alias_protected: EXIT.failed,
  promotion_refused: EXIT.failed,
  signature_required: EXIT.failed,
  signature_invalid: EXIT.failed,
  invalid_signing_key: EXIT.badInput,
  dataset_not_found: EXIT.notFound,
  feedback_not_found: EXIT.notFound,
  blob_not_found: EXIT.failed,
  blob_corrupt: EXIT.failed,
  invalid_manifest: EXIT.failed,
  invalid_package: EXIT.badInput,
  conflict: EXIT.failed,
  revision_changed: EXIT.failed,
  mirror_diverged: EXIT.failed,
  limit_exceeded: EXIT.badInput,
  quota_exceeded: EXIT.failed,
  direct_upload_unsupported: EXIT.failed,
  upload_incomplete: EXIT.failed,
  invalid_store_url: EXIT.badInput,
  store_unreachable: EXIT.unreachable,
  store_refused: EXIT.unreachable,
  store_unsuitable: EXIT.failed,
  invalid_key: EXIT.notFound,
  invalid_expiry: EXIT.badInput,
  backbone_not_found: EXIT.notFound,
  backbone_corrupt: EXIT.failed,
  download_failed: EXIT.unreachable,
  invalid_safetensors: EXIT.failed,
  invalid_adapter: EXIT.failed,
  invalid_backbone: EXIT.badInput,
  unsupported_backbone: EXIT.badInput,
  backbone_mismatch: EXIT.badInput,
  export_too_large: EXIT.badInput,
  pair_required: EXIT.badInput,
  classifier_overloaded: EXIT.unreachable,
  classifier_tenant_overloaded: EXIT.unreachable,
  text_rate_exceeded: EXIT.unreachable,
  deadline_unmet: EXIT.unreachable,
  invalid_dataset: EXIT.badInput,
  dataset_too_large: EXIT.badInput,
  unsupported_media_type: EXIT.badInput,
  invalid_options: EXIT.badInput,
  scratch_full: EXIT.failed,
  device_unavailable: EXIT.failed,
  training_failed: EXIT.failed,
  job_interrupted: EXIT.failed,
  job_not_cancellable: EXIT.failed,
  job_not_retriable: EXIT.failed,
  job_key_reused: EXIT.failed,
  jobs_unavailable: EXIT.unreachable,
  webhook_url_refused: EXIT.badInput,
  webhook_limit: EXIT.failed,
  report_not_found: EXIT.notFound,
  queue_full: EXIT.failed,
} satisfies Record<CliErrorCode | RegistryErrorCode | ModelErrorCode | TrainerErrorCode, number>;

export interface Failure {
  readonly exitCode: number;
  readonly error: { readonly code: string; readonly message: string; readonly at?: TrainerError["at"] };
}

/** Of an error that no room made, the message is all there is to tell. */
export function failureOf(error: unknown): Failure {
  if (error instanceof RemoteError) {
    const { code, publicMessage: message } = error;
    return { exitCode: exitCodeOf(error), error: { code, message } };
  }
  if (!isRoomError(error)) {
    const message = error instanceof Error ? error.message : String(error);
    return { exitCode: EXIT.failed, error: { code: "internal_error", message } };
  }
  const at = error instanceof TrainerError ? error.at : undefined;
  return {
    exitCode: exitCodeByCode[error.code],
    error: { code: error.code, message: error.publicMessage, ...(at && { at }) },
  };
}

/** As if it had been found here; a code of HTTP alone by its status. */
function exitCodeOf({ code, status }: RemoteError): number {
  if (Object.hasOwn(exitCodeByCode, code)) return exitCodeByCode[code as keyof typeof exitCodeByCode];
  if (status === 404) return EXIT.notFound;
  if ([401, 403, 429, 503].includes(status)) return EXIT.unreachable;
  return status < 500 ? EXIT.badInput : EXIT.failed;
}

function isRoomError(error: unknown): error is CliError | RegistryError | ModelError | TrainerError {
  return (
    error instanceof CliError ||
    error instanceof RegistryError ||
    error instanceof ModelError ||
    error instanceof TrainerError
  );
}
