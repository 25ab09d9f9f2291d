// What can go wrong in this room. publicMessage is for the caller and says what to do.

export type ModelErrorCode =
  | "invalid_safetensors"
  | "invalid_adapter"
  | "invalid_backbone"
  | "unsupported_backbone"
  | "backbone_mismatch"
  | "export_too_large"
  | "pair_required"
  | "classifier_overloaded"
  | "classifier_tenant_overloaded"
  | "text_rate_exceeded"
  | "deadline_unmet";

export class ModelError extends Error {
  readonly code: ModelErrorCode;
  readonly publicMessage: string;

  constructor(code: ModelErrorCode, publicMessage: string, cause?: unknown) {
    super(publicMessage, cause === undefined ? undefined : { cause });
    this.name = "ModelError";
    this.code = code;
    this.publicMessage = publicMessage;
  }
}

interface Quota {
  readonly name: string;
  readonly most: number;
  readonly left: number;
  readonly windowSeconds?: number;
}

/** Too much is asked at the moment: the same request may be answered later. */
export class OverloadError extends ModelError {
  readonly retryAfterSeconds: number;
  /** What the tenant may have at once, or in a window of time, where it asked for more. */
  readonly quota: Quota | undefined;

  constructor(
    code: "classifier_overloaded" | "classifier_tenant_overloaded" | "text_rate_exceeded" | "deadline_unmet",
    publicMessage: string,
    { retryAfterMs, quota }: { retryAfterMs: number; quota?: OverloadError["quota"] },
  ) {
    super(code, publicMessage);
    this.name = "OverloadError";
    this.retryAfterSeconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
    this.quota = quota;
  }
}
