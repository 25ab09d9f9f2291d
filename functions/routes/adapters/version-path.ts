// A version in a path, as every route of one reads it.
import { z } from "zod";
import { wholeNumberSchema } from "../../page.ts";

/** A version's number in a path. */
export const versionPathSchema = z.object({ version: wholeNumberSchema.pipe(z.int().min(1)) });
