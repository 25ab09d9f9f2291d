// The registry on stores that fail: seeded runs of concurrent actors. Most are on a store in memory whose calls fail
// as those of a network client do, and are the same each time; some go through a proxy that does it to a
// real S3 server, where only the plan is the same. Other seeds or more runs: SOFTGATE_SOAK_SEED, SOFTGATE_SOAK_RUNS.
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { FaultProxy, seededFaults } from "../test/helpers/fault-proxy.ts";
import { createRandom } from "../test/helpers/random.ts";
import { findVersitygw, startVersitygw, type TestS3 } from "../test/helpers/versitygw.ts";
import { FaultStore } from "./fault-store.ts";
import { HISTORY_SEGMENT_CHANGES } from "./limits.ts";
import { MemoryStore } from "./object-store/memory.ts";
import { openObjectStore } from "./object-store/open.ts";
import { soak } from "./soak.ts";

const SEED_FIRST = 1;
const RUNS_IN_MEMORY = 1_000;
const RUNS_THROUGH_PROXY = 200;
const PROXY_RUNS_IN_FLIGHT = 12;

const program = await findVersitygw();

it("in memory: what was acknowledged holds, once, whatever calls fail", async () => {
  const met = new Set<string>();
  for (const seed of seedsOf(RUNS_IN_MEMORY)) {
    const random = createRandom(seed);
    const store = new MemoryStore();
    const faulty = new FaultStore(store, random, 0.25 * random.uniform());
    const now = () => new Date(Date.UTC(2026, 0, 1));
    const changesBefore = drawChangesBefore(random.uniform());
    const run = { store, stores: [faulty, faulty, faulty], settle: () => faulty.settle() };
    await orSayHow("in memory", seed, soak({ ...run, commandsPerActor: 3, random, changesBefore, now }));
    for (const fault of faulty.met.keys()) met.add(fault);
  }
  if (!process.env.SOFTGATE_SOAK_SEED) expect(met.size).toBe(5);
}, 600_000);

describe.skipIf(program === undefined)("through a proxy that fails, to a real S3 server", () => {
  const met = new Map<string, number>();
  let server: TestS3;

  beforeAll(async () => {
    server = await startVersitygw(program ?? "", ["soak"]);
  }, 30_000);
  afterAll(() => server?.stop());

  it("what was acknowledged holds, once, whatever fails", async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", server.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", server.secretAccessKey);
    const seeds = [...seedsOf(RUNS_THROUGH_PROXY)];
    const worker = async () => {
      for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
        await orSayHow("through a proxy", seed, runThroughProxy(seed));
      }
    };
    await Promise.all(Array.from({ length: PROXY_RUNS_IN_FLIGHT }, worker));
    if (!process.env.SOFTGATE_SOAK_SEED) expect(met.size).toBe(13);
  }, 600_000);

  async function runThroughProxy(seed: number): Promise<void> {
    const random = createRandom(seed);
    const proxy = await FaultProxy.start(
      server.endpoint,
      seededFaults(createRandom(-seed), 0.15 * random.uniform()),
    );
    const open = (endpoint: string) =>
      openObjectStore(`s3://soak/seed-${seed}?endpoint=${endpoint}&region=us-east-1`);
    const store = await open(server.endpoint);
    const stores = await Promise.all([proxy.url, proxy.url, proxy.url].map(open));
    const changesBefore = drawChangesBefore(random.uniform());
    try {
      await soak({ store, stores, settle: () => proxy.settle(), commandsPerActor: 2, random, changesBefore });
    } finally {
      await proxy.stop();
      await Promise.all([store, ...stores].map((each) => each.close()));
    }
    for (const [fault, times] of proxy.met) met.set(fault, (met.get(fault) ?? 0) + times);
  }
});

function* seedsOf(runs: number): Generator<number> {
  const { SOFTGATE_SOAK_SEED, SOFTGATE_SOAK_RUNS } = process.env;
  if (SOFTGATE_SOAK_SEED) return void (yield Number(SOFTGATE_SOAK_SEED));
  for (let seed = SEED_FIRST; seed < SEED_FIRST + Number(SOFTGATE_SOAK_RUNS ?? runs); seed += 1) yield seed;
}

async function orSayHow(part: string, seed: number, run: Promise<void>): Promise<void> {
  await run.catch((cause: unknown) => {
    const command = `SOFTGATE_SOAK_SEED=${seed} npm test -- registry/faults.property.test.ts -t "${part}"`;
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Seed ${seed}: ${what}\nAgain: ${command}`, { cause });
  });
}

/** A history that is short, or about to begin a segment. */
function drawChangesBefore(uniform: number): number {
  return uniform < 0.7 ? 2 : 2 * HISTORY_SEGMENT_CHANGES - Math.floor((uniform - 0.7) * 20);
}
