import { STORE_REQUESTS_IN_FLIGHT_MAX } from "./limits.ts";

/**
 * Promise.all(items.map(work)) with a bounded number of calls in flight. Keeps the order. After a failure nothing more
 * is begun, and what is under way is waited for.
 */
export async function mapInParallel<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  const queue = items.entries();
  let failure: { readonly error: unknown } | undefined;
  const worker = async () => {
    for (const [index, item] of queue) {
      try {
        results[index] = await work(item);
      } catch (error) {
        failure ??= { error };
      }
      if (failure) return;
    }
  };
  await Promise.all(Array.from({ length: Math.min(STORE_REQUESTS_IN_FLIGHT_MAX, items.length) }, worker));
  if (failure) throw failure.error;
  return results;
}
