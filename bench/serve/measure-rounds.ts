// Interleaved rounds: each round runs every case once, so that what else the machine does, and how
// warm it is, falls on all alike.

/** Milliseconds of each case, one number a round. */
export type Timings<Name> = ReadonlyMap<Name, readonly number[]>;

/** Warm. The case that goes first moves on with each round. */
export async function measureRounds<Name>(
  run: ReadonlyMap<Name, () => Promise<unknown>>,
  { warmUp, rounds, onRound }: { warmUp: number; rounds: number; onRound?: (round: number) => void },
): Promise<Timings<Name>> {
  const cases = [...run].map(([name, once]) => ({ name, once, milliseconds: [] as number[] }));
  for (let round = -warmUp; round < rounds; round++) {
    const first = Math.abs(round) % cases.length;
    for (const { once, milliseconds } of [...cases.slice(first), ...cases.slice(0, first)]) {
      // The threads of the case before spin on for some 30 ms, and caches are its own: once untimed.
      await once();
      const startedMs = performance.now();
      await once();
      if (round >= 0) milliseconds.push(performance.now() - startedMs);
    }
    if (round >= 0) onRound?.(round + 1);
  }
  return new Map(cases.map(({ name, milliseconds }) => [name, milliseconds]));
}
