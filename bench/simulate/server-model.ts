// A server as the simulation has it: sessions that take what waits, a pass at a time. Its four numbers are those with which
// the simulation gives again what a real load run measured (npm run bench -- load): docs/results/load.json.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { createRandom } from "#trainer";
import { quantile } from "../statistics.ts";
import { PASS_TEXTS_MAX, type ServerModel, ServerQueue } from "./server-queue.ts";

export interface MeasuredLoad {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const latenciesSchema = z.object({ perSecond: z.number(), p50Ms: z.number(), p99Ms: z.number() });
const loadSchema = z.object({
  machine: z.object({ cpu: z.string(), cores: z.number(), date: z.string() }),
  results: z.object({
    http: z.object({ median: z.number() }),
    steady: latenciesSchema,
    others: z.object({ without: latenciesSchema }),
    firstRequest: z.object({
      cold: z.object({ median: z.number() }),
      warm: z.object({ median: z.number() }),
    }),
    memory: z.object({
      idleMegabytes: z.number(),
      perAdapterKilobytes: z.number(),
      adapterKilobytes: z.number(),
    }),
  }),
});

export type LoadRun = z.infer<typeof loadSchema>;

/** "load" or "load-s3", of docs/results. */
export async function readLoadRun(name: string): Promise<LoadRun> {
  const file = fileURLToPath(new URL(`../../docs/results/${name}.json`, import.meta.url));
  return loadSchema.parse(JSON.parse(await readFile(file, "utf8")));
}

const PASS_MS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14];
const SPREADS = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 2.5];
const FIT_REQUESTS = 20_000;
const SEED = 1;

/** The model that comes nearest to p50 and p99 of the run's steady stretch; its capacity is the run's throughput. */
export function fitServer({ results, machine }: LoadRun): ServerModel {
  let best: { model: ServerModel; error: number } | undefined;
  for (const passMs of PASS_MS) {
    for (const lengthSpread of SPREADS) {
      const model = modelOf({ sessions: machine.cores, passMs, lengthSpread, capacity: results.http.median });
      const error = distance(answerAtRate(model, results.steady.perSecond), results.steady);
      if (best === undefined || error < best.error) best = { model, error };
    }
  }
  if (!best) throw new Error("invariant: there are models to choose from");
  return best.model;
}

/** Full passes without a pause give the capacity. */
function modelOf({
  capacity,
  ...model
}: Omit<ServerModel, "textMs"> & { readonly capacity: number }): ServerModel {
  const fullPassMs = (1_000 * model.sessions * PASS_TEXTS_MAX) / capacity;
  return { ...model, textMs: (fullPassMs - model.passMs) / PASS_TEXTS_MAX };
}

/** Texts a second, one a request, that it can answer. */
export function capacityOf({ sessions, passMs, textMs }: ServerModel): number {
  return (1_000 * sessions * PASS_TEXTS_MAX) / (passMs + PASS_TEXTS_MAX * textMs);
}

/** One server, asked at random moments, all adapters in memory: as the steady stretch of a load run. */
export function answerAtRate(model: ServerModel, perSecond: number, requests = FIT_REQUESTS): MeasuredLoad {
  const random = createRandom(SEED);
  const milliseconds: number[] = [];
  const queue = new ServerQueue(model, { random, answered: (ms) => void milliseconds.push(ms) });
  let nowMs = 0;
  for (let request = 0; request < requests; request += 1) {
    nowMs += (-1_000 * Math.log(1 - random())) / perSecond;
    queue.ask(nowMs, 0);
  }
  const endMs = queue.finish();
  const sorted = milliseconds.sort((one, other) => one - other);
  return {
    perSecond: (1_000 * requests) / endMs,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
  };
}

function distance(simulated: MeasuredLoad, measured: MeasuredLoad): number {
  return (
    Math.abs(Math.log(simulated.p50Ms / measured.p50Ms)) +
    Math.abs(Math.log(simulated.p99Ms / measured.p99Ms))
  );
}
