// What can go wrong in this room. publicMessage is for the caller and says what to do.

export type ModelErrorCode =
  | "invalid_safetensors"
  | "invalid_adapter"
  | "invalid_backbone"
  | "unsupported_backbone"
  | "backbone_mismatch"
  | "pair_required"
  | "classifier_overloaded";

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
