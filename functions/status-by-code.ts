// Error code → HTTP status, total over the codes of all rooms: a new code without a line here does
// not compile. A 5xx says that the caller can do nothing about it; its message stays in the log.
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { ModelErrorCode } from "#model";
import type { RegistryErrorCode } from "#registry";
import type { TrainerErrorCode } from "#trainer/job";
import type { RequestErrorCode } from "./errors.ts";

export type ErrorCode = RequestErrorCode | RegistryErrorCode | ModelErrorCode | TrainerErrorCode;

export const statusByCode = {
  // functions
  invalid_request: 400,
  invalid_options: 400,
  unauthenticated: 401,
  scope_classify_missing: 403,
  scope_train_missing: 403,
  scope_read_missing: 403,
  scope_admin_missing: 403,
  issuer_unreachable: 503,
  request_rate_exceeded: 429,
  payload_too_large: 413,
  body_too_slow: 408,
  unsupported_media_type: 415,
  too_many_uploads: 429,
  idempotency_key_reused: 422,
  idempotency_key_in_use: 409,
  too_many_line_streams: 429,
  route_not_found: 404,
  method_not_allowed: 405,
  job_not_found: 404,
  too_many_streams: 429,
  webhook_not_found: 404,
  trainer_absent: 409,
  server_stopping: 503,
  origin_unreachable: 502,
  origin_timeout: 504,
  internal_error: 500,
  // registry
  invalid_name: 400,
  invalid_reference: 400,
  adapter_not_found: 404,
  version_not_found: 404,
  alias_not_found: 404,
  adapter_deleted: 409,
  version_in_use: 409,
  version_damaged: 409,
  no_earlier_version: 409,
  alias_protected: 409,
  promotion_refused: 409,
  signature_required: 409,
  signature_invalid: 409,
  invalid_signing_key: 400,
  dataset_not_found: 404,
  feedback_not_found: 404,
  blob_not_found: 500,
  blob_corrupt: 500,
  invalid_manifest: 500,
  invalid_package: 400,
  conflict: 409,
  revision_changed: 412,
  mirror_diverged: 409,
  limit_exceeded: 409,
  quota_exceeded: 409,
  direct_upload_unsupported: 409,
  upload_incomplete: 409,
  invalid_store_url: 500,
  store_unreachable: 503,
  store_refused: 503,
  store_unsuitable: 500,
  invalid_key: 404,
  invalid_expiry: 400,
  backbone_not_found: 500,
  backbone_corrupt: 500,
  download_failed: 500,
  // model
  invalid_safetensors: 500,
  invalid_adapter: 500,
  invalid_backbone: 500,
  unsupported_backbone: 500,
  backbone_mismatch: 409,
  export_too_large: 409,
  pair_required: 400,
  classifier_overloaded: 503,
  classifier_tenant_overloaded: 429,
  text_rate_exceeded: 429,
  deadline_unmet: 503,
  // trainer
  invalid_dataset: 400,
  dataset_too_large: 413,
  scratch_full: 503,
  device_unavailable: 500,
  training_failed: 500,
  job_interrupted: 500,
  job_not_cancellable: 409,
  job_not_retriable: 409,
  job_key_reused: 409,
  jobs_unavailable: 503,
  webhook_url_refused: 400,
  webhook_limit: 409,
  report_not_found: 404,
  queue_full: 429,
} satisfies Record<ErrorCode, ContentfulStatusCode>;

/** Seconds a caller should wait before it asks again, where waiting helps. */
export const retryAfterSecondsByCode: Partial<Record<ErrorCode, number>> = {
  too_many_uploads: 5,
  idempotency_key_in_use: 1,
  too_many_line_streams: 5,
  queue_full: 30,
  too_many_streams: 5,
  jobs_unavailable: 5,
  issuer_unreachable: 5,
  store_unreachable: 5,
};

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(statusByCode, code);
}
