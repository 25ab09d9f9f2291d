import { STORE_REQUESTS_IN_FLIGHT_MAX } from "./limits.ts";

/** Promise.all(items.map(work)) with a bounded number of calls in flight. Keeps the order. */
export async function mapInParallel<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  const queue = items.entries();
  const worker = async () => {
    for (const [index, item] of queue) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(STORE_REQUESTS_IN_FLIGHT_MAX, items.length) }, worker));
  return results;
}
