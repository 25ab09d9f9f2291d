// Two ways to ask: as fast as answers come, and at a rate whatever the answers do.
import { setTimeout } from "node:timers/promises";

/** One request, answered; rejects when it was not answered well. `index` counts the requests. */
export type Ask = (index: number) => Promise<void>;

/** So many askers, each asks again when it is answered. Answers per second. */
export async function askInLoop(
  ask: Ask,
  { connections, seconds }: { connections: number; seconds: number },
): Promise<number> {
  const startedMs = performance.now();
  const endMs = startedMs + 1000 * seconds;
  let index = 0;
  let answered = 0;
  const asker = async () => {
    while (performance.now() < endMs) {
      await ask(index++);
      answered += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, asker));
  return answered / ((performance.now() - startedMs) / 1000);
}

/**
 * At random moments, so many a second in the mean (Poisson). Milliseconds of each from the moment it was
 * due, not from when it was sent: a slow server must not slow the clock that judges it.
 */
export async function askAtRate(
  ask: Ask,
  { perSecond, seconds, random }: { perSecond: number; seconds: number; random: () => number },
): Promise<number[]> {
  const milliseconds: number[] = [];
  const asked: Promise<void>[] = [];
  const startedMs = performance.now();
  const gapMs = () => (-1000 * Math.log(1 - random())) / perSecond;
  const timed = async (index: number, dueMs: number) => {
    await ask(index);
    milliseconds.push(performance.now() - dueMs);
  };
  for (let dueMs = startedMs + gapMs(); dueMs < startedMs + 1000 * seconds; dueMs += gapMs()) {
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await setTimeout(waitMs);
    asked.push(timed(asked.length, dueMs));
  }
  await Promise.all(asked);
  return milliseconds;
}

/** Indices 0 to count - 1, index k as often as 1 / (k + 1): Zipf's law, as tenants' sizes go. */
export function zipf(count: number, random: () => number): () => number {
  const cumulated: number[] = [];
  let total = 0;
  for (let k = 0; k < count; k++) {
    total += 1 / (k + 1);
    cumulated.push(total);
  }
  return () => {
    const at = total * random();
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((cumulated[middle] ?? 0) > at) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}
