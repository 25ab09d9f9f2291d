// A copy of a blob from the source to the target, under the key that its manifest names, where it is not there in its
// size. Its digest is checked once it is read. What is there may be marked as garbage, as a mirror that was interrupted
// leaves it: it is kept then, and named soon after (gc/keep-copy.ts).
import { getLargeBlob, writeBlob } from "../blobs.ts";
import { RegistryError } from "../errors.ts";
import { readMark } from "../gc/garbage-mark.ts";
import { keepCopy } from "../gc/keep-copy.ts";
import { type BlobCopy, blobKey } from "../layout.ts";
import type { TenantId } from "../registry.ts";
import { detailsOf } from "../walk-store.ts";
import type { MirrorContext } from "./mirror-context.ts";

interface Blob extends BlobCopy {
  readonly bytes: number;
}

/** Once in a while, whoever names it. Throws blob_not_found, blob_corrupt, conflict while it is being collected. */
export function sendBlob(context: MirrorContext, tenant: TenantId, blob: Blob): Promise<void> {
  const id = `${blobKey(tenant, blob)} ${blob.bytes}`;
  const known = context.blobs.get(id);
  if (known) return known;
  const sending = send(context, tenant, blob);
  context.blobs.set(id, sending);
  sending.catch(() => context.blobs.delete(id));
  return sending;
}

async function send(context: MirrorContext, tenant: TenantId, blob: Blob): Promise<void> {
  const key = blobKey(tenant, blob);
  const { keeper } = context;
  // Before it is written: a key that is being collected is never written again.
  const mark = await readMark(keeper, key);
  if (mark?.state === "collecting" || mark?.state === "damaged") throw collected(blob);
  const standing = await detailsOf(context.target, key);
  if (standing?.bytes !== blob.bytes) {
    await context.room.run(blob.bytes, async () => {
      const bytes = await getLargeBlob({ store: context.source }, tenant, blob);
      // What stands in another size is no content of this name.
      if (standing) await context.target.put(key, bytes);
      else await writeBlob(context.target, key, bytes);
    });
    context.total.blobs += 1;
    context.total.bytes += blob.bytes;
    context.onProgress(context.total);
  }
  if (mark && (await keepCopy(keeper, key)) === "gone") throw collected(blob);
}

function collected({ digest }: Blob): RegistryError {
  const message = `File ${digest} is being collected as garbage at the target: mirror it again after the next collections there.`;
  return new RegistryError("conflict", message);
}
