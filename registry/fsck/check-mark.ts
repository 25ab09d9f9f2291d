// The mark of a copy of a blob that may be garbage: its shape, and that the copy is there. One whose copy was removed
// stays for a while; a collection that is not run again leaves it, and so does a copy that others removed.
import { randomBytes } from "node:crypto";
import { putMark, readMark } from "../gc/garbage-mark.ts";
import { blobKeyOf } from "../layout.ts";
import type { ObjectDetails } from "../object-store/object-store.ts";
import { detailsOf } from "../walk-store.ts";
import type { CheckContext } from "./check-context.ts";

export async function checkMark(
  { store, isYoung, report }: CheckContext,
  { key, modifiedMs }: ObjectDetails,
): Promise<void> {
  const blob = blobKeyOf(key);
  const mark = await readMark({ store }, blob);
  if (!mark) return;
  if (!(await detailsOf(store, blob))) {
    // The key is never written again: whatever the mark says, it says it of nothing.
    if (!isYoung(modifiedMs)) await report("garbage_mark_left", key, { repair: () => store.delete(key) });
  } else if (mark.state === "damaged") {
    // A collection then looks anew whether the copy is named, and no writer relies on it until then.
    const repair = () => putMark({ store, randomBytes }, blob, { state: "marked", over: mark });
    await report("record_damaged", key, { repair });
  }
}
