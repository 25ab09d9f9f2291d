// Removes copies of blobs that nothing names: the half of the collector; keep-copy.ts is the half of writers.
//
// Two collections are needed, the grace time or more between them. The first marks what nothing names. The second
// swaps the mark to "collecting", if it is still the one that was read before the manifests and dataset records,
// and deletes the copy. Whoever came to need the copy in between has swapped the mark, or is named by what was
// read. A third deletes the mark, long after its copy, so that no listing has the one without the other.
// Deletions need no condition: the key of a copy is never written again.
import { blobKeyOf, blobsPrefix, copyOfKey, describeKey, markKeyOf } from "../layout.ts";
import { BLOBS_COMPARED_AT_ONCE } from "../limits.ts";
import { mapInParallel } from "../map-in-parallel.ts";
import { dropNamed } from "../named-blobs.ts";
import type { ObjectDetails } from "../object-store/object-store.ts";
import { detailsOf, objectPages } from "../walk-store.ts";
import type { Collecting } from "./collecting.ts";
import { type GarbageMark, putMark, readMark } from "./garbage-mark.ts";

/** One copy, as it was listed: itself, its mark, or both. */
interface Candidate {
  /** The copy's key. */
  readonly key: string;
  readonly blob?: ObjectDetails;
  readonly isMarked?: true;
}

/** Whether any was removed. Throws invalid_manifest, blob_corrupt: what cannot be read may name any of them. */
export async function collectBlobs(run: Collecting): Promise<boolean> {
  let hasRemoved = false;
  for await (const batch of candidates(run)) {
    // Read before what names blobs is: a swap over these marks rests on that.
    const marked = await mapInParallel(batch, async (candidate) => ({
      ...candidate,
      mark: candidate.isMarked && (await readMark(run.context, candidate.key)),
    }));
    const unnamed = new Set(batch.map(({ key }) => key));
    if (unnamed.size > 0) await dropNamed(run.context, run.tenant, unnamed);
    const removed = await mapInParallel(marked, (copy) =>
      settle(run, { ...copy, isNamed: !unnamed.has(copy.key) }),
    );
    hasRemoved ||= removed.includes(true);
  }
  return hasRemoved;
}

interface Copy extends Candidate {
  /** Undefined where there is none, or none any more. */
  readonly mark: GarbageMark | undefined;
  readonly isNamed: boolean;
}

/** Whether the copy was removed. */
async function settle(run: Collecting, copy: Copy): Promise<boolean> {
  const { key, mark, isNamed } = copy;
  if (mark?.state === "collecting") return remove(run, copy);
  if (isNamed) {
    if (mark?.state === "marked" && !run.dryRun)
      await putMark(run.context, key, { state: "kept", over: mark });
    return false;
  }
  if (mark?.state !== "marked") {
    await markUnnamed(run, copy);
    return false;
  }
  // As old as the mark that was read; or it is a younger one, and the swap fails.
  if (!(await isMarkOld(run, key))) {
    tellWaiting(run, copy);
    return false;
  }
  if (!run.dryRun && !(await putMark(run.context, key, { state: "collecting", over: mark }))) return false;
  return remove(run, copy);
}

async function markUnnamed(run: Collecting, copy: Copy): Promise<void> {
  const { context, dryRun } = run;
  if (dryRun || (await putMark(context, copy.key, { state: "marked", over: copy.mark })))
    tellWaiting(run, copy);
}

function tellWaiting({ tell }: Collecting, { key, blob }: Copy): void {
  if (blob) tell({ kind: "waiting", name: key, bytes: blob.bytes });
}

/** Whoever has decided it: the copy is not needed again. */
async function remove(run: Collecting, { key, blob, mark }: Copy): Promise<boolean> {
  const { context, dryRun, tell } = run;
  if (!dryRun) await context.store.delete(key);
  if (blob) tell({ kind: "blob", name: key, bytes: blob.bytes });
  const isLeft = mark?.state === "collecting" && (await isMarkOld(run, key));
  if (isLeft && !dryRun) await context.store.delete(markKeyOf(key));
  return blob !== undefined || isLeft;
}

async function isMarkOld({ context, isYoung }: Collecting, key: string): Promise<boolean> {
  const details = await detailsOf(context.store, markKeyOf(key));
  return details !== undefined && !isYoung(details.modifiedMs);
}

/** All that is marked, or old; a copy and its mark together. */
async function* candidates({ context, tenant, isYoung, looked }: Collecting): AsyncGenerator<Candidate[]> {
  let batch = new Map<string, Candidate>();
  let digest = "";
  for await (const page of objectPages(context.store, blobsPrefix(tenant))) {
    looked({ blobs: page.length });
    for (const object of page) {
      const kind = describeKey(object.key)?.kind;
      if (kind !== "blob" && kind !== "mark") continue;
      const before = digest;
      digest = copyOfKey(object.key).digest;
      if (batch.size >= BLOBS_COMPARED_AT_ONCE && digest !== before) {
        yield [...batch.values()].filter(isDue);
        batch = new Map();
      }
      const key = blobKeyOf(object.key);
      const found = kind === "mark" ? { isMarked: true as const } : { blob: object };
      batch.set(key, { key, ...batch.get(key), ...found });
    }
  }
  yield [...batch.values()].filter(isDue);

  function isDue({ blob, isMarked }: Candidate): boolean {
    return isMarked === true || (blob !== undefined && !isYoung(blob.modifiedMs));
  }
}
