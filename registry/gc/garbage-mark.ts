// The mark of one copy of a blob: what is known of its being garbage. Changed by compare-and-swap alone, each
// time with another nonce, so that a swap that comes late changes nothing that it has not seen.
//
//   (none) ──▶ marked ◀──▶ kept      marked: nothing named it when it was looked for
//                │                   kept: something names it, or is about to
//                ▼
//            collecting              final: the copy is deleted, and long after it the mark
import { z } from "zod";
import { createNonce, type RegistryContext } from "../context.ts";
import { RegistryError } from "../errors.ts";
import { markKeyOf } from "../layout.ts";
import { encodeRecord, putIf, readRecord } from "../records.ts";

export const garbageMarkSchema = z.strictObject({
  state: z.enum(["marked", "kept", "collecting"]),
  nonce: z.string(),
});

type MarkState = z.infer<typeof garbageMarkSchema>["state"];

export interface GarbageMark {
  /** damaged: its copy is not to be relied on any more, and not to be deleted for it either. */
  readonly state: MarkState | "damaged";
  readonly etag: string;
}

/** blob: the key of the copy. */
export async function readMark(
  { store }: Pick<RegistryContext, "store">,
  blob: string,
): Promise<GarbageMark | undefined> {
  const key = markKeyOf(blob);
  try {
    const found = await readRecord(store, key, garbageMarkSchema);
    return found && { state: found.value.state, etag: found.etag };
  } catch (error) {
    if (!(error instanceof RegistryError) || error.code !== "blob_corrupt") throw error;
    const stored = await store.get(key);
    return stored && { state: "damaged", etag: stored.etag };
  }
}

/** Whether it is the mark now. over: of the mark that was read, undefined where there was none. */
export function putMark(
  context: Pick<RegistryContext, "store" | "randomBytes">,
  blob: string,
  { state, over }: { state: MarkState; over: GarbageMark | undefined },
): Promise<boolean> {
  const bytes = encodeRecord({ state, nonce: createNonce(context) });
  const condition = over ? { ifMatch: over.etag } : ({ ifNoneMatch: "*" } as const);
  return putIf(context.store, markKeyOf(blob), { bytes, condition });
}
