// What is stored of an API key: whose it is, what it may do, until when. Never the secret, nor any part of it.
import { z } from "zod";
import { KEY_DESCRIPTION_LENGTH_MAX } from "./limits.ts";
import { parseTenantId, type TenantId } from "./registry.ts";

/**
 * classify: texts. train: datasets, trainings and imports. read: adapters, versions, reports, usage. admin: all
 * that, and aliases, deletions, the audit and the tenant's keys.
 */
export const KEY_SCOPES = ["classify", "train", "read", "admin"] as const;
export type KeyScope = (typeof KEY_SCOPES)[number];

export const KEY_ID = /^key_([0-9a-f]{20})$/;

export const keySchema = z.strictObject({
  id: z.string().regex(KEY_ID),
  tenant: z.string().transform(parseTenantId),
  description: z.string().max(KEY_DESCRIPTION_LENGTH_MAX),
  scopes: z.array(z.enum(KEY_SCOPES)).min(1).max(KEY_SCOPES.length),
  createdAt: z.iso.datetime(),
  /** From then on it is answered as if it never was. */
  expiresAt: z.iso.datetime().exactOptional(),
  revokedAt: z.iso.datetime().exactOptional(),
  /** Id of the key that a rotation made in its place. */
  rotatedTo: z.string().regex(KEY_ID).exactOptional(),
});

export type KeyRecord = z.infer<typeof keySchema>;

/** Whom a credential speaks for, and what it may do there. */
export interface Credential {
  readonly tenant: TenantId;
  readonly keyId: string;
  readonly scopes: readonly KeyScope[];
}

/** Revoked, or past its expiry. */
export function hasEnded(key: Pick<KeyRecord, "revokedAt" | "expiresAt">, now: Date): boolean {
  if (key.revokedAt !== undefined) return true;
  return key.expiresAt !== undefined && Date.parse(key.expiresAt) <= now.getTime();
}

/** Whether one of the wanted scopes is among the given; admin stands for all. */
export function allows(given: readonly KeyScope[], wanted: readonly KeyScope[]): boolean {
  return given.includes("admin") || wanted.some((scope) => given.includes(scope));
}
