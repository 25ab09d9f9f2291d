// What of a key its tenant sees: everything that is stored, and never a secret.
import { z } from "zod";
import { KEY_SCOPES } from "#registry";

export const keyViewSchema = z.strictObject({
  id: z.string(),
  tenant: z.string(),
  description: z.string(),
  scopes: z.array(z.enum(KEY_SCOPES)),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().exactOptional(),
  revokedAt: z.iso.datetime().exactOptional(),
  /** Id of the key that a rotation made in its place. */
  rotatedTo: z.string().exactOptional(),
  lastUsedAt: z.iso.datetime().exactOptional(),
});

/** Answered once, when a key is made. */
export const createdKeySchema = keyViewSchema.extend({ secret: z.string() });
