// Collections of garbage beside publishes, deletions and restorations, by concurrent actors on a store whose calls fail,
// come late and take effect in any order, while time passes in minutes, hours and days. Seeded: the same each time.
// Other seeds or more runs: SOFTGATE_SOAK_SEED, SOFTGATE_SOAK_RUNS.
import { expect, it } from "vitest";
import { createRandom } from "../../test/helpers/random.ts";
import { FaultStore } from "../fault-store.ts";
import { MemoryStore } from "../object-store/memory.ts";
import type { ObjectStore } from "../object-store/object-store.ts";
import { type Random, soak } from "../soak.ts";

const RUNS = 100;
/** Of the calls of a process that stands still now and then, for so long that others do all they want meanwhile. */
const HALTED_RATE = 0.02;
const TURNS_HALTED_MAX = 4_000;

it("no acknowledged version loses a blob, what is removed stays gone, and in the end no garbage is left", async () => {
  const met = new Set<string>();
  const { SOFTGATE_SOAK_SEED: only, SOFTGATE_SOAK_RUNS: runs = RUNS } = process.env;
  const first = Number(only ?? 1);
  for (let seed = first; seed < first + (only ? 1 : Number(runs)); seed += 1) {
    const random = createRandom(seed);
    const clock = { nowMs: Date.UTC(2026, 0, 1) };
    const store = new MemoryStore(() => clock.nowMs);
    const faulty = new FaultStore(store, random, 0.04 * random.uniform());
    const halting = haltingNowAndThen(faulty, random);
    const run = { store, stores: [faulty, faulty, halting, halting], settle: () => faulty.settle() };
    await soak({ ...run, commandsPerActor: 8, random, changesBefore: 2, clock }).catch((cause: unknown) => {
      throw new Error(`SOFTGATE_SOAK_SEED=${seed}: ${cause instanceof Error ? cause.message : cause}`, {
        cause,
      });
    });
    for (const fault of faulty.met.keys()) met.add(fault);
  }
  if (!only) expect(met.size).toBe(5);
}, 600_000);

function haltingNowAndThen(store: ObjectStore, random: Random): ObjectStore {
  const halt = async () => {
    if (random.uniform() >= HALTED_RATE) return;
    for (let left = TURNS_HALTED_MAX * random.uniform(); left > 0; left -= 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return {
    description: store.description,
    get: (key) => halt().then(() => store.get(key)),
    getPart: (key, part) => halt().then(() => store.getPart(key, part)),
    put: (key, bytes, condition) => halt().then(() => store.put(key, bytes, condition)),
    delete: (key) => halt().then(() => store.delete(key)),
    list: (options) => halt().then(() => store.list(options)),
    check: () => store.check(),
    close: () => store.close(),
  };
}
