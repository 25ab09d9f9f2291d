// What of a listing the source has and the target has not. Both listings are in the order of keys, so that a page
// of each is in memory, however long they are.
import { listPages } from "../list-all.ts";
import type { ListOptions, ObjectDetails } from "../object-store/object-store.ts";
import type { MirrorContext } from "./mirror-context.ts";

/** Page by page. onFound is called with what the target has under the prefix, as far as the source's keys go. */
export async function* missingKeys(
  { source, target }: Pick<MirrorContext, "source" | "target">,
  prefix: string,
  onFound?: (object: ObjectDetails) => void,
): AsyncGenerator<readonly string[]> {
  let after: string | undefined;
  for await (const { keys } of listPages(source, { prefix })) {
    const missing = new Set(keys);
    const last = keys.at(-1);
    while (last !== undefined) {
      const options: ListOptions = { prefix, ...(after !== undefined && { after }) };
      const page = await target.list(onFound ? { ...options, withDetails: true } : options);
      for (const key of page.keys) missing.delete(key);
      if (onFound) page.objects?.forEach(onFound);
      after = page.keys.at(-1);
      if (page.next === undefined || after === undefined || after >= last) break;
    }
    // What the target has beyond may be on the source's next page.
    after = last;
    yield [...missing];
  }
}
