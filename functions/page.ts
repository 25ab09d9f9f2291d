// How long a page of a list may be, as the query string says it.
import { z } from "zod";

export const PAGE_LIMIT_DEFAULT = 50;
export const PAGE_LIMIT_MAX = 200;

/** Digits only: "1e3", " 7" and "" are refused, not read as numbers. */
export const wholeNumberSchema = z
  .string()
  .regex(/^\d{1,15}$/, { message: "must be a whole number", abort: true })
  .transform(Number);

export const pageLimitSchema = wholeNumberSchema
  .pipe(z.int().min(1).max(PAGE_LIMIT_MAX))
  .default(PAGE_LIMIT_DEFAULT);
