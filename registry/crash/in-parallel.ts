// For tests: many ends of a publisher, some at once, each named where it fails.

const AT_ONCE = 2;

export async function inParallel<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) await work(item);
  };
  const workers = Array.from({ length: AT_ONCE }, worker);
  // Where one fails the other is not left behind, working in a folder that is being removed.
  await Promise.allSettled(workers);
  await Promise.all(workers);
}

export async function orSayWhere(where: string, work: Promise<void>): Promise<void> {
  await work.catch((cause: unknown) => {
    throw new Error(`${where}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  });
}
