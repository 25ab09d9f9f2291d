// How a writer makes sure of a copy that it names: the other half of collect-blobs.ts.
//
// A collector deletes a copy only once its mark has been "marked" for GARBAGE_AGE_MS_MIN or more, manifests and
// dataset records that were read after the mark do not name it, and the mark, unchanged, was swapped to
// "collecting". So what is named within PUBLISH_UNCHECKED_MS_MAX of a look at the copy, which found no mark or
// made it "kept", is seen before. Who took longer, or does not know, looks again once it is named: what has no mark
// then, or is "kept", and is there, can only be marked later, and is seen to be named.
import type { RegistryContext } from "../context.ts";
import { RegistryError } from "../errors.ts";
import { type BlobCopy, blobKey } from "../layout.ts";
import { PUBLISH_UNCHECKED_MS_MAX, SWAP_ATTEMPTS_MAX } from "../limits.ts";
import { mapInParallel } from "../map-in-parallel.ts";
import type { TenantId } from "../registry.ts";
import { detailsOf } from "../walk-store.ts";
import { putMark, readMark } from "./garbage-mark.ts";

/** rescued: it was marked, and is kept now. gone: not to be named. blob: its key. Throws conflict. */
export async function keepCopy(
  context: Pick<RegistryContext, "store" | "randomBytes">,
  blob: string,
): Promise<"kept" | "rescued" | "gone"> {
  for (let attempt = 0; attempt < SWAP_ATTEMPTS_MAX; attempt += 1) {
    const mark = await readMark(context, blob);
    if (mark?.state === "collecting" || mark?.state === "damaged") return "gone";
    const isMarked = mark?.state === "marked";
    if (isMarked && !(await putMark(context, blob, { state: "kept", over: mark }))) continue;
    // Last: where there is no mark, it may have been deleted after its copy; and one that came late is of no copy.
    if (!(await detailsOf(context.store, blob))) return "gone";
    return isMarked ? "rescued" : "kept";
  }
  throw new RegistryError("conflict", "Too many look for garbage at once: do it again.");
}

/**
 * Call it once what names the copies stands, before that is acknowledged. since: before they were looked for, or
 * written; absent where another did it. Costs nothing where that is not long ago. Throws conflict.
 */
export async function requireKept(
  context: Pick<RegistryContext, "store" | "now" | "randomBytes">,
  tenant: TenantId,
  { copies, since }: { copies: readonly BlobCopy[]; since?: Date },
): Promise<void> {
  const elapsedMs = since ? context.now().getTime() - since.getTime() : Number.NaN;
  if (elapsedMs >= 0 && elapsedMs <= PUBLISH_UNCHECKED_MS_MAX) return;
  const found = await mapInParallel(copies, (copy) => keepCopy(context, blobKey(tenant, copy)));
  if (!found.includes("gone")) return;
  throw new RegistryError(
    "conflict",
    "This took so long that its files were collected as garbage meanwhile: do it again, with another idempotency key if it had one.",
  );
}
