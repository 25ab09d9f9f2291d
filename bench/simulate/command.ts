// npm run bench -- simulate
import { Command, Option } from "commander";
import { ADAPTER_MEMORY_BYTES_DEFAULT, ADAPTER_RESIDENT_BYTES_DEFAULT } from "#model";
import { ADAPTER_DISK_BYTES_DEFAULT } from "#registry";
import type { BenchIo } from "../io.ts";
import { positiveNumber, wholeNumber } from "../options.ts";
import { printDocument } from "../print-document.ts";
import { percent, textTable, whole } from "../text-table.ts";
import {
  answerAtRate,
  capacityOf,
  fitServer,
  type LoadRun,
  type MeasuredLoad,
  readLoadRun,
} from "./server-model.ts";
import type { ServerModel } from "./server-queue.ts";
import { type DayOptions, type DayResults, simulateDay } from "./simulate-day.ts";

interface SimulateOptions {
  readonly tenants: number;
  readonly requests: number;
  readonly load: number;
  readonly serversMin: number;
  readonly routing: DayOptions["routing"];
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly seed: number;
  readonly json?: true;
  readonly out?: string;
}

interface Check {
  readonly stretch: string;
  readonly measured: MeasuredLoad;
  readonly simulated: MeasuredLoad;
}

const BYTES_MAX = Number.MAX_SAFE_INTEGER;

export function simulateCommand(io: BenchIo): Command {
  return new Command("simulate")
    .description("a day of many tenants, from the service times that load runs measured; measures nothing")
    .option(
      "--tenants <n>",
      "with an adapter each, asked for by Zipf's law",
      wholeNumber(1, 10_000_000),
      100_000,
    )
    .option("--requests <n>", "of the day, one text each", wholeNumber(1, 10_000_000_000), 20_000_000)
    .option("--load <share>", "of a server's capacity at which another is started", positiveNumber(1), 0.6)
    .option("--servers-min <n>", "servers at night", wholeNumber(1, 10_000), 2)
    .addOption(
      new Option("--routing <way>", "tenant: each one's requests to one server; any: to any")
        .choices(["tenant", "any"])
        .default("tenant"),
    )
    .option(
      "--memory-bytes <n>",
      "of adapters in a server's memory",
      wholeNumber(0, BYTES_MAX),
      ADAPTER_RESIDENT_BYTES_DEFAULT + ADAPTER_MEMORY_BYTES_DEFAULT,
    )
    .option(
      "--disk-bytes <n>",
      "of their files on its disk",
      wholeNumber(0, BYTES_MAX),
      ADAPTER_DISK_BYTES_DEFAULT,
    )
    .option("--seed <n>", "of all that is drawn", wholeNumber(0, 4_294_967_295), 1)
    .option("--json", "print one JSON document instead of a table")
    .option("--out <file>", "write the JSON document to this file too")
    .addHelpText("after", HELP)
    .action((options: SimulateOptions) => simulate(options, io));
}

async function simulate(options: SimulateOptions, io: BenchIo): Promise<void> {
  const [onDisk, onS3] = await Promise.all([readLoadRun("load"), readLoadRun("load-s3")]);
  const server = fitServer(onDisk);
  const checks = checkAgainst(onDisk, server);
  const { tenants, requests, load, serversMin, routing, memoryBytes, diskBytes, seed } = options;
  const adapterBytes = 1_000 * onDisk.results.memory.adapterKilobytes;
  const day = {
    ...{ tenants, requests, load, serversMin, routing, seed, server },
    memoryAdapters: Math.floor(memoryBytes / adapterBytes),
    diskAdapters: Math.floor(diskBytes / adapterBytes),
    diskMs: moreOfFirst(onDisk),
    storeMs: moreOfFirst(onS3),
  };
  const results = simulateDay({ ...day, onHour: (hour) => io.stderr(`hour ${hour}\n`) });
  const text = describe({ server, checks, results });
  await printDocument(
    { benchmark: "simulate", settings: day, results: { ...results, checks }, text },
    options,
    io,
  );
}

/** The steady stretch, to which the model was fitted, and one that it has not seen. */
function checkAgainst({ results }: LoadRun, server: ServerModel): Check[] {
  const stretches = { "steady, fitted": results.steady, "at another rate": results.others.without };
  return Object.entries(stretches).map(([stretch, { perSecond, p50Ms, p99Ms }]) => ({
    stretch,
    measured: { perSecond, p50Ms, p99Ms },
    simulated: answerAtRate(server, perSecond),
  }));
}

/** Milliseconds that a first request takes more than the next. */
function moreOfFirst({ results: { firstRequest } }: LoadRun): number {
  return Math.max(0, firstRequest.cold.median - firstRequest.warm.median);
}

function describe({
  server,
  checks,
  results,
}: {
  server: ServerModel;
  checks: readonly Check[];
  results: DayResults;
}): string {
  const { servers, storeLoadsPerSecond: loads } = results;
  const both = (figure: keyof MeasuredLoad) =>
    checks.map(
      ({ measured, simulated }) => `${simulated[figure].toFixed(1)} (${measured[figure].toFixed(1)})`,
    );
  return [
    `A server answers ${whole(capacityOf(server))} a second: ${server.sessions} passes at once, ${server.passMs} ms each and ${server.textMs.toFixed(2)} ms for each text in it.\n`,
    textTable([
      ["SIMULATED (MEASURED)", ...checks.map(({ stretch }) => stretch.toUpperCase())],
      ["requests/s", ...both("perSecond")],
      ["p50 ms", ...both("p50Ms")],
      ["p99 ms", ...both("p99Ms")],
    ]),
    textTable([
      ["THE DAY", ""],
      ["requests", whole(results.requests)],
      ["adapter in memory", percent(results.memoryShare)],
      ["on the server's disk", percent(results.diskShare)],
      ["read from the store", percent(results.storeShare)],
      ["store reads/s, mean", loads.mean.toFixed(2)],
      ["store reads/s, busiest minute", loads.busiestMinute.toFixed(2)],
      ["p50 ms", results.p50Ms.toFixed(1)],
      ["p99 ms", results.p99Ms.toFixed(1)],
      ["servers, night to day", `${servers.min}-${servers.max}`],
      ["servers, mean", servers.mean.toFixed(1)],
    ]),
  ].join("\n");
}

const HELP = `
Service times are those of docs/results/load.json and load-s3.json, on their machine of two cores. A pass costs a fixed time and
one for each text; both, and how much texts differ in length, are chosen so that the simulation has p50 and p99 of the run's
steady stretch. The day is busiest at 14 h (1.8 of the mean) and quietest at 2 h (0.2); servers come and go every 5 minutes.
`;
