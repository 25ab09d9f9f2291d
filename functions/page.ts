// Every list of the API is a page: at most `limit` things, from behind the place `after`; has_more says whether more
// follow, and `next` is the `after` of the page that begins with them.
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
  .default(PAGE_LIMIT_DEFAULT)
  .meta({
    // To a client it is a number, whatever a query string is made of.
    override: ({ jsonSchema }) => {
      delete jsonSchema.pattern;
      Object.assign(jsonSchema, { type: "integer", minimum: 1, maximum: PAGE_LIMIT_MAX });
    },
  });

/** What every page says beside its list. */
export const pageFields = {
  has_more: z.boolean(),
  next: z.string().meta({ description: "The `after` of the next page, where there is one." }).exactOptional(),
};

/** A list of the registry, as answered. A page may be shorter than its limit, even empty, and have more. */
export function pageOf<List extends { readonly next?: string | number }>({ next, ...list }: List) {
  return { ...list, has_more: next !== undefined, ...(next !== undefined && { next: String(next) }) };
}

/** A cursor that is a number, as the `next` of the page before was. */
export const numberAfterSchema = wholeNumberSchema.pipe(z.int().min(1)).exactOptional();
