// The mark of a blob that may be collected.
import { z } from "zod";

export const garbageMarkSchema = z.strictObject({
  /** Tells one mark from the next of the same blob. */
  nonce: z.string(),
  /** marked: will be collected. collecting: is being removed. rescued: a writer needs it. */
  state: z.enum(["marked", "collecting", "rescued"]),
});
