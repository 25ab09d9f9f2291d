// Interleaved rounds: each round runs every case once, so that what else the machine does, and how
// warm it is, falls on all alike.

export type Timings<Name extends string> = Readonly<Record<Name, readonly number[]>>;

/** Milliseconds of each case, warm, one number a round. The case that goes first moves on with each round. */
export async function measureRounds<Name extends string>(
  run: Readonly<Record<Name, () => Promise<unknown>>>,
  { warmUp, rounds, onRound }: { warmUp: number; rounds: number; onRound?: (round: number) => void },
): Promise<Timings<Name>> {
  const names = Object.keys(run) as Name[];
  const timings = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, number[]>;
  for (let round = -warmUp; round < rounds; round++) {
    const first = Math.abs(round) % names.length;
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      // The threads of the case before spin on for some 30 ms, and caches are its own: once untimed.
      await run[name]();
      const startedMs = performance.now();
      await run[name]();
      if (round >= 0) timings[name].push(performance.now() - startedMs);
    }
    if (round >= 0) onRound?.(round + 1);
  }
  return timings;
}
