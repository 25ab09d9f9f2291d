import type { z } from "zod";
import { putIf, readRecord } from "../records.ts";
import type { MirrorContext } from "./mirror-context.ts";

/** A record that is written once: what is at the target stays; what the source has not is not sent. Throws blob_corrupt. */
export async function sendOnce(
  { source, target }: MirrorContext,
  key: string,
  schema: z.ZodType,
): Promise<void> {
  const record = await readRecord(source, key, schema);
  if (record) await putIf(target, key, { bytes: record.bytes, condition: { ifNoneMatch: "*" } });
}
