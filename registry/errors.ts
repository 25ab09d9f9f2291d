// What can go wrong in this room. publicMessage is for the caller and says what to do.

export type RegistryErrorCode =
  | "invalid_name"
  | "invalid_reference"
  | "adapter_not_found"
  | "version_not_found"
  | "alias_not_found"
  | "adapter_deleted"
  | "version_in_use"
  | "version_damaged"
  | "no_earlier_version"
  | "alias_protected"
  | "promotion_refused"
  | "signature_required"
  | "signature_invalid"
  | "invalid_signing_key"
  | "dataset_not_found"
  | "feedback_not_found"
  | "blob_not_found"
  | "blob_corrupt"
  | "invalid_manifest"
  | "invalid_package"
  | "conflict"
  | "revision_changed"
  | "mirror_diverged"
  | "limit_exceeded"
  | "quota_exceeded"
  | "direct_upload_unsupported"
  | "upload_incomplete"
  | "invalid_store_url"
  | "store_unreachable"
  | "store_refused"
  | "store_unsuitable"
  | "invalid_key"
  | "invalid_expiry"
  | "backbone_not_found"
  | "backbone_corrupt"
  | "download_failed";

export class RegistryError extends Error {
  readonly code: RegistryErrorCode;
  readonly publicMessage: string;

  constructor(code: RegistryErrorCode, publicMessage: string, cause?: unknown) {
    super(publicMessage, cause === undefined ? undefined : { cause });
    this.name = "RegistryError";
    this.code = code;
    this.publicMessage = publicMessage;
  }
}
