// npm run bench -- load
import { Command } from "commander";
import type { BenchIo } from "../io.ts";
import { openBackbone } from "../open-backbone.ts";
import { type SharedOptions, wholeNumber, withShared } from "../options.ts";
import { printDocument } from "../print-document.ts";
import { readTexts, TEXTS_TEXT } from "../serve/read-texts.ts";
import { textTable, whole } from "../text-table.ts";
import { kindOfStore, withBenchStore } from "./bench-store.ts";
import { type Latencies, type LoadResults, measureLoad } from "./measure-load.ts";

interface LoadOptions extends SharedOptions {
  readonly texts?: string;
  readonly store: string;
  readonly tenants: number;
  readonly registered?: number;
  readonly connections: number;
  readonly seconds: number;
  readonly rounds: number;
}

const TEXTS_MAX = 10_000;
const STORE_TEXT =
  "file: a folder, s3: a real S3 server on this machine, both removed afterwards; or the URL of an empty store";

export function loadCommand(io: BenchIo): Command {
  const command = new Command("load")
    .description("the HTTP server as a process of its own under many tenants' requests")
    .option("--texts <path>", TEXTS_TEXT)
    .option("--store <kind>", STORE_TEXT, "file")
    .option("--tenants <n>", "each with a key and an adapter", wholeNumber(10, 10_000), 1_000)
    .option(
      "--registered <n>",
      "adapters in the store (default: as many as tenants)",
      wholeNumber(10, 100_000),
    )
    .option("--connections <n>", "of the client", wholeNumber(1, 256), 64)
    .option("--seconds <n>", "of each stretch of load", wholeNumber(1, 600), 10)
    .option("--rounds <n>", "of throughput, the runtime alone and over HTTP in turns", wholeNumber(1, 100), 5)
    .addHelpText("after", HELP);
  return withShared(command, "write the JSON document to this file too").action((options: LoadOptions) =>
    load(options, io),
  );
}

async function load(options: LoadOptions, io: BenchIo): Promise<void> {
  const { tenants, registered = tenants, connections, seconds, rounds, threads, store } = options;
  const { inputs, source } = await readTexts(options.texts, TEXTS_MAX);
  const texts = inputs.map((input) => (typeof input === "string" ? input : input.text));
  const backbone = await openBackbone(options.backbone, io);
  const results = await withBenchStore(store, (opened) =>
    measureLoad(
      { backbone, texts, store: opened, tenants, registered, connections, seconds, rounds, threads },
      io,
    ),
  );
  const settings = {
    backbone: { id: backbone.id, digest: backbone.backbone.digest },
    ...{ texts: source, tenants, registered, connections, seconds, rounds, threads },
    store: kindOfStore(store),
  };
  await printDocument({ benchmark: "load", settings, results, text: describe(results) }, options, io);
}

function describe(results: LoadResults): string {
  const { runtime, http, steady, others, firstRequest, memory, eventLoop, start, targets } = results;
  const rate = (name: string, { median, min, max }: LoadResults["http"]) => [
    name,
    whole(median),
    `${whole(min)}-${whole(max)}`,
  ];
  const latency = (name: string, { perSecond, requests, p50Ms, p99Ms }: Latencies) => [
    name,
    whole(perSecond),
    whole(requests),
    p50Ms.toFixed(1),
    p99Ms.toFixed(1),
  ];
  const rows = targets.map(({ name, value, target, isMost, met }) => [
    name,
    value.toFixed(2),
    `${isMost ? "<" : "≥"} ${target}`,
    met ? "met" : "NOT met",
  ]);
  return [
    textTable([
      ["TEXTS/S, ONE A REQUEST", "MEDIAN", "RANGE"],
      rate("runtime alone", runtime),
      rate("over HTTP", http),
    ]),
    textTable([
      ["LATENCY", "REQUESTS/S", "REQUESTS", "P50 MS", "P99 MS"],
      latency("steady", steady),
      latency("others, without a hot tenant", others.without),
      latency("others, with a hot tenant", others.withHotTenant),
    ]),
    `A tenant's first request took ${firstRequest.cold.median.toFixed(1)} ms, the next ${firstRequest.warm.median.toFixed(1)} ms.\n`,
    `The event loop was held up for ${eventLoop.p99Ms.toFixed(1)} ms or less 99 % of the time, ${eventLoop.maxMs.toFixed(1)} at most.\n`,
    memory
      ? `The server's memory: ${whole(memory.idleMegabytes)} MB, with all adapters ${whole(memory.warmMegabytes)} MB, ${whole(memory.perAdapterKilobytes)} kB for each, whose weights are ${whole(memory.adapterKilobytes)} kB.\n`
      : "",
    `A server's first answer came after ${whole(start.serverMs.median)} ms, it listened after ${whole(start.listeningMs.median)} (program loaded after ${whole(start.split.programMs)}, session after ${whole(start.split.sessionMs)}; the request took ${whole(start.split.requestMs)}); a bare script's after ${whole(start.bareMs.median)}.\n`,
    textTable([["", "REACHED", "TARGET", ""], ...rows]),
  ].join("\n");
}

const HELP = `
The server runs as in an image: softgate serve, as npm run build makes it, a child process on 127.0.0.1. The client shares the
machine.
Tenants are drawn by Zipf's law; every other adapter holds prompts, the others scales and shifts, weights random.
Latency counts from the moment a request was due. "Others" are nine tenants that together ask for 45 % of what the
server can do, beside a tenth that asks as much as each of them, then for ten times that.
`;
