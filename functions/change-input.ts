// What every change of an adapter may be told, in a body or as parameters of a query.
import { z } from "zod";

const REASON_CHARACTERS_MAX = 500;

const whySchema = z.string().trim().min(1).max(REASON_CHARACTERS_MAX).exactOptional();

export const versionSchema = z.int().min(1).max(99_999_999);

/** Of a body. */
export const changeFields = { why: whySchema };
export const forcedChangeFields = { why: whySchema, force: z.boolean().default(false) };

/** Of a query, for methods that have no body. */
export const changeQuery = z.object({
  why: whySchema,
  force: z
    .enum(["true", "false"])
    .default("false")
    .transform((value) => value === "true"),
});
