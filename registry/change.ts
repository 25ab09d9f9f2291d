// One change of what a tenant owns: who, when, what, why. The changes of an adapter stand in its log
// (change-adapter.ts), those of all kinds in the tenant's audit (audit.ts). Never a secret, never a text
// that is classified or learned from.
import { z } from "zod";
import { createNonce, type RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import { DATASET_ID } from "./layout.ts";
import { KEEP_DAYS_MAX, KEEP_VERSIONS_MAX, REASON_LENGTH_MAX, VERSIONS_PER_CHANGE_MAX } from "./limits.ts";

/** Who makes a change. */
export interface Actor {
  /** Of an API key, or "cli" for the command line. Never a secret. */
  readonly id: string;
  readonly requestId?: string;
}

/** What every change can be told. */
export interface ChangeOptions {
  /** Default "unknown". */
  readonly actor?: Actor;
  /** The reason, for those who read the history: at most REASON_LENGTH_MAX characters. */
  readonly why?: string;
}

/** What is not given is left out. */
export function changeOptions(given: { actor: Actor | undefined; why: string | undefined }): ChangeOptions {
  const { actor, why } = given;
  return { ...(actor && { actor }), ...(why !== undefined && { why }) };
}

const actions = [
  "upload_dataset",
  "publish",
  "record_evaluation",
  "move_alias",
  "rollback",
  "hold_alias",
  "protect_alias",
  "delete_version",
  "restore_version",
  "delete_adapter",
  "restore_adapter",
  "set_retention",
  "set_shadow",
  "delete_feedback",
  "expire_versions",
  "collect_versions",
  "collect_adapter",
  "create_key",
  "rotate_key",
  "revoke_key",
  "create_tenant",
  "set_limits",
  "add_signing_key",
  "revoke_signing_key",
  "require_signatures",
] as const;

const ruleFields = { metric: z.enum(["accuracy", "macroF1"]), marginMax: z.number().min(0).max(1) };

/** A protected alias moves to versions that are no worse than the current one by more than the margin. */
export const promotionRuleSchema = z.discriminatedUnion("on", [
  /** By a figure of the versions' reports, each on rows of its own training's. */
  z.strictObject({ ...ruleFields, on: z.enum(["heldOut", "validation"]) }),
  /** By what both answer of the same rows (evaluations.ts): a dataset of the tenant. */
  z.strictObject({ ...ruleFields, on: z.literal("testSet"), datasetId: z.string().regex(DATASET_ID) }),
]);

/** Which versions of an adapter stay: its newest, and those that are no older than so many days. */
export const retentionSchema = z.strictObject({
  keepVersions: z.int().min(1).max(KEEP_VERSIONS_MAX),
  keepDays: z.int().min(1).max(KEEP_DAYS_MAX).exactOptional(),
});

/** The alias that is asked beside production, and for which share of requests. */
export const shadowSchema = z.strictObject({
  alias: z.string().min(1).max(64),
  share: z.number().gt(0).max(1),
});

/** Without one there is no limit. Each server counts for itself. */
const rateLimitFields = {
  requestsPerMinute: z.int().min(1).exactOptional(),
  /** That are classified. */
  textsPerMinute: z.int().min(1).exactOptional(),
};

/** What a tenant may have; what is left out is the default. */
export const tenantLimitsSchema = z.strictObject({
  adapters: z.int().min(0).exactOptional(),
  versionsPerAdapter: z.int().min(0).exactOptional(),
  /** Of datasets and adapters' files. */
  bytes: z.int().min(0).exactOptional(),
  ...rateLimitFields,
});

export const auditEntrySchema = z.strictObject({
  /** Unique. */
  id: z.string().regex(/^[0-9a-f]{32}$/),
  at: z.iso.datetime(),
  by: z.string(),
  requestId: z.string().exactOptional(),
  action: z.enum(actions),
  adapter: z.string().exactOptional(),
  alias: z.string().exactOptional(),
  /** Moved from; absent where the alias is new. */
  from: z.int().min(1).exactOptional(),
  /** Moved to, held back, published, deleted or restored. */
  version: z.int().min(1).exactOptional(),
  /** Deleted by the adapter's retention, or removed for good. */
  versions: z.array(z.int().min(1)).max(VERSIONS_PER_CHANGE_MAX).exactOptional(),
  /** Made by a publish or a collection, not asked for by itself. */
  automatic: z.literal(true).exactOptional(),
  /** Against the alias's protection. */
  forced: z.literal(true).exactOptional(),
  protected: z.boolean().exactOptional(),
  rule: promotionRuleSchema.exactOptional(),
  /** Set; absent where it was ended. */
  retention: retentionSchema.exactOptional(),
  /** Set; absent where it was ended. */
  shadow: shadowSchema.exactOptional(),
  datasetId: z.string().exactOptional(),
  feedbackId: z.string().exactOptional(),
  /** Of an API key, or of a key that signs. */
  keyId: z.string().exactOptional(),
  /** The key that a rotation made. */
  newKeyId: z.string().exactOptional(),
  limits: tenantLimitsSchema.exactOptional(),
  /** Of signatures. */
  required: z.boolean().exactOptional(),
  why: z.string().exactOptional(),
});

export const adapterChangeSchema = auditEntrySchema
  .omit({
    adapter: true,
    datasetId: true,
    feedbackId: true,
    keyId: true,
    newKeyId: true,
    limits: true,
    required: true,
  })
  .extend({
    /** From 1, without gaps, in the order in which the changes took effect. */
    sequence: z.int().min(1),
  });

export type Retention = z.infer<typeof retentionSchema>;
export type Shadow = z.infer<typeof shadowSchema>;
export type PromotionRule = z.infer<typeof promotionRuleSchema>;
export type TestSetRule = Extract<PromotionRule, { readonly on: "testSet" }>;
export type ReportRule = Exclude<PromotionRule, TestSetRule>;
export type TenantLimits = z.infer<typeof tenantLimitsSchema>;
export type RateLimits = Pick<TenantLimits, keyof typeof rateLimitFields>;
export type StorageLimits = Required<Omit<TenantLimits, keyof RateLimits>>;
export type AuditEntry = z.infer<typeof auditEntrySchema>;
export type AdapterChange = z.infer<typeof adapterChangeSchema>;

/** What every entry says, whatever its action. */
export type Stamp = Pick<AuditEntry, "id" | "at" | "by" | "requestId" | "why">;

/** Throws limit_exceeded when the reason is too long. */
export function createStamp(
  context: Pick<RegistryContext, "now" | "randomBytes">,
  { actor = { id: "unknown" }, why }: ChangeOptions,
): Stamp {
  if (why !== undefined && why.length > REASON_LENGTH_MAX) {
    const message = `The reason is longer than ${REASON_LENGTH_MAX} characters: shorten it.`;
    throw new RegistryError("limit_exceeded", message);
  }
  return {
    id: createNonce(context),
    at: context.now().toISOString(),
    by: actor.id,
    ...(actor.requestId !== undefined && { requestId: actor.requestId }),
    ...(why !== undefined && { why }),
  };
}
