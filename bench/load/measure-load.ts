// A server process under many tenants' requests: how much it answers against the runtime alone, how long
// requests take at a rate it can bear, what a greedy tenant does to the others, and what a first request costs.
import { join } from "node:path";
import { type EncoderConfig, type TextInput, weightsOfInsertion } from "#model";
import { type Classifier, createClassifier } from "#model/runtime";
import { createRandom } from "#trainer";
import type { BenchIo } from "../io.ts";
import type { OpenedBackbone } from "../open-backbone.ts";
import { makeAdapter } from "../serve/resident-adapters.ts";
import { quantile, type Summary, summarize } from "../statistics.ts";
import type { BenchStore } from "./bench-store.ts";
import { buildProgram } from "./build-program.ts";
import { type Ask, askAtRate, askInLoop, zipf } from "./drive.ts";
import { type EventLoopDelays, readEventLoopDelays } from "./event-loop.ts";
import { createHttpClient, type HttpClient } from "./http-client.ts";
import { measureStart, type StartResults } from "./measure-start.ts";
import { type ServerProcess, startServerProcess } from "./server-process.ts";
import { kindOf, publishTenants, type Tenant } from "./tenants.ts";

export interface MeasureLoadRequest {
  readonly backbone: OpenedBackbone;
  readonly texts: readonly string[];
  readonly store: BenchStore;
  /** That ask; as many adapters are warm. */
  readonly tenants: number;
  /** Adapters in the store, those of tenants that never ask included. */
  readonly registered: number;
  readonly connections: number;
  /** Of each stretch of load. */
  readonly seconds: number;
  readonly rounds: number;
  readonly threads: number;
}

export interface Target {
  readonly name: string;
  readonly value: number;
  readonly target: number;
  readonly isMost: boolean;
  readonly met: boolean;
}

export interface Latencies {
  readonly perSecond: number;
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface LoadResults {
  /** Texts a second, one a request, of each round. */
  readonly runtime: Summary;
  readonly http: Summary;
  readonly steady: Latencies;
  readonly others: { readonly without: Latencies; readonly withHotTenant: Latencies };
  /** Milliseconds of a tenant's first request, and of its second. */
  readonly firstRequest: { readonly cold: Summary; readonly coldP99Ms: number; readonly warm: Summary };
  /** Of the server, where the system tells. */
  readonly memory: {
    readonly idleMegabytes: number;
    readonly warmMegabytes: number;
    readonly perAdapterKilobytes: number;
    /** Of an adapter's weights. */
    readonly adapterKilobytes: number;
  } | null;
  /** Of the server's event loop, at the steady rate. */
  readonly eventLoop: EventLoopDelays;
  readonly start: StartResults;
  readonly targets: readonly Target[];
}

/** Tenants whose adapters the server has not seen before, for first requests. */
const COLD_TENANTS = 50;
const RATE_CONNECTIONS_MAX = 1_024;
const STEADY_SHARE = 0.7;
/** The hot tenant's share is that of one of so many that together ask for half of what the server can do. */
const EQUAL_TENANTS = 10;
const HOT_FACTOR = 10;

export async function measureLoad(request: MeasureLoadRequest, io: BenchIo): Promise<LoadResults> {
  const { url: storeUrl, folder } = request.store;
  const count = Math.max(request.registered, request.tenants + COLD_TENANTS);
  const onTenant = (done: number) =>
    done % 200 === 0 && io.stderr(`Published ${done} of ${count} adapters\n`);
  const tenants = await publishTenants({ storeUrl, backbone: request.backbone.backbone, count }, onTenant);
  const main = await buildProgram(join(folder, "program"));
  const measured = await withServer({ request, storeUrl, tenants, io, main });
  io.stderr("Starting the server and a bare script in turns\n");
  const [text = ""] = request.texts;
  const [tenant] = tenants;
  if (!tenant) throw new Error("invariant: there are tenants");
  const { backbone, threads } = request;
  const start = await measureStart({ backbone, storeUrl, tenant, text, folder, threads, main });
  const slower = start.serverMs.median / start.bareMs.median;
  const targets = [...measured.targets, atMost("first answer of a server / of a bare script", slower, 1.25)];
  return { ...measured, start, targets };
}

async function withServer({
  request,
  storeUrl,
  main,
  ...rest
}: Pick<Tools, "request" | "tenants" | "io"> & { storeUrl: string; main: string }): Promise<
  Omit<LoadResults, "start">
> {
  const { folder: backboneFolder } = request.backbone;
  const server = await startServerProcess({
    ...{ storeUrl, backboneFolder, threads: request.threads, main },
    args: ["--adapter-folder", join(request.store.folder, "adapters"), "--metrics-port", "0"],
  });
  const clients = {
    loop: createHttpClient(server.url, request.connections),
    // At a rate, and each group its own: requests must not wait for each other on the client's side.
    rate: createHttpClient(server.url, RATE_CONNECTIONS_MAX),
    hot: createHttpClient(server.url, RATE_CONNECTIONS_MAX),
  };
  try {
    return await measure({ request, server, clients, ...rest });
  } finally {
    for (const client of Object.values(clients)) client.close();
    await server.close();
  }
}

interface Tools {
  readonly request: MeasureLoadRequest;
  /** The COLD_TENANTS after those that ask have asked nothing. */
  readonly tenants: readonly Tenant[];
  readonly server: ServerProcess;
  readonly clients: Readonly<Record<"loop" | "rate" | "hot", HttpClient>>;
  readonly io: BenchIo;
}

async function measure(tools: Tools): Promise<Omit<LoadResults, "start">> {
  const { request, server, io } = tools;
  // The buffers of all sessions first: they grow with the largest pass, not with adapters.
  await askInLoop(
    asksOf(tools, tools.clients.loop, () => 0),
    {
      connections: request.connections,
      seconds: Math.min(3, request.seconds),
    },
  );
  const idleMegabytes = server.residentMegabytes();
  io.stderr(`Asking for each of ${request.tenants} adapters once\n`);
  for (let index = 0; index < request.tenants; index++)
    await asksOf(tools, tools.clients.loop, () => index)(index);
  const warmMegabytes = server.residentMegabytes();
  const throughput = await measureThroughput(tools);
  const capacity = quantile(
    throughput.http.toSorted((a, b) => a - b),
    0.5,
  );
  io.stderr(`The server answers ${capacity.toFixed(0)} a second. Asking at ${STEADY_SHARE} of that\n`);
  const { metricsUrl = "" } = server;
  await readEventLoopDelays(metricsUrl);
  const steady = await latencies(tools, {
    share: STEADY_SHARE,
    capacity,
    pick: zipfTenants(request.tenants),
  });
  const eventLoop = await readEventLoopDelays(metricsUrl);
  const others = await measureOthers(tools, capacity);
  const firstRequest = await measureFirstRequests(tools);
  const memory =
    idleMegabytes === undefined || warmMegabytes === undefined
      ? null
      : {
          idleMegabytes,
          warmMegabytes,
          perAdapterKilobytes: (1000 * (warmMegabytes - idleMegabytes)) / request.tenants,
          adapterKilobytes: adapterKilobytes(request.backbone.backbone.config),
        };
  const ratios = throughput.http.map(
    (perSecond, round) => perSecond / (throughput.runtime[round] ?? Number.NaN),
  );
  const results = {
    runtime: summarize(throughput.runtime),
    http: summarize(throughput.http),
    ...{ steady, others, firstRequest, memory, eventLoop },
  };
  return { ...results, targets: targetsOf(results, summarize(ratios).median) };
}

function targetsOf(
  { steady, others, firstRequest, memory, eventLoop }: Omit<LoadResults, "start" | "targets">,
  httpOfRuntime: number,
): Target[] {
  const growth = memory && memory.perAdapterKilobytes / memory.adapterKilobytes;
  return [
    ...(growth === null ? [] : [atMost("memory of a warm adapter / its bytes", growth, 1.2)]),
    atMost("ms that the event loop was held up, at most", eventLoop.maxMs, 10),
    atLeast("throughput over HTTP / the runtime alone", httpOfRuntime, 0.9),
    atMost(`p99 / p50 at ${STEADY_SHARE} of what it can do`, steady.p99Ms / steady.p50Ms, 4),
    atMost("others' p99 with a hot tenant / without", others.withHotTenant.p99Ms / others.without.p99Ms, 1.5),
    atMost("ms more of a first request, median", firstRequest.cold.median - firstRequest.warm.median, 15),
    atMost("ms of a first request, p99", firstRequest.coldP99Ms, 50),
  ];
}

function atLeast(name: string, value: number, target: number): Target {
  return { name, value, target, isMost: false, met: value >= target };
}

function atMost(name: string, value: number, target: number): Target {
  return { name, value, target, isMost: true, met: value < target };
}

/** Of the weights of one adapter, at the mean of both kinds. */
function adapterKilobytes(config: EncoderConfig): number {
  const kinds = [0, 1].map((index) => {
    const { insertions, head } = makeAdapter(config, index, kindOf(index));
    const arrays = [...insertions.flatMap(weightsOfInsertion), head.weight_CD, head.bias_C];
    return arrays.reduce((sum, { byteLength }) => sum + byteLength, 0) / 1000;
  });
  return kinds.reduce((sum, kilobytes) => sum + kilobytes, 0) / kinds.length;
}

/** In turns, so that what else the machine does falls on both. */
async function measureThroughput(tools: Tools): Promise<Record<"runtime" | "http", number[]>> {
  const { request, io } = tools;
  const { connections, seconds } = request;
  const classifier = await createClassifier(request.backbone.backbone, { threads: request.threads });
  const rates: Record<"runtime" | "http", number[]> = { runtime: [], http: [] };
  try {
    const inProcess = runtimeAsks(tools, classifier);
    for (let index = 0; index < request.tenants; index++) await inProcess(() => index)(index);
    for (let round = 0; round < request.rounds; round++) {
      const pick = zipfTenants(request.tenants);
      rates.runtime.push(await askInLoop(inProcess(pick), { connections, seconds }));
      rates.http.push(
        await askInLoop(asksOf(tools, tools.clients.loop, zipfTenants(request.tenants)), {
          connections,
          seconds,
        }),
      );
      io.stderr(
        `Round ${round + 1} of ${request.rounds}: ${rates.http.at(-1)?.toFixed(0)} a second over HTTP, ${rates.runtime.at(-1)?.toFixed(0)} without\n`,
      );
    }
    return rates;
  } finally {
    await classifier.close();
  }
}

/** The index of the tenant whose request is next. */
type PickTenant = () => number;

/** The same tenants in the same order, whoever is asked. */
function zipfTenants(count: number): PickTenant {
  return zipf(count, createRandom(1));
}

function asksOf({ request, tenants }: Tools, client: HttpClient, pick: PickTenant): Ask {
  return async (index) => {
    const tenant = tenants[pick()];
    if (!tenant) throw new Error("invariant: tenants are picked by index");
    await client.classify(tenant, textAt(request, index));
  };
}

function runtimeAsks({ request }: Tools, classifier: Classifier): (pick: PickTenant) => Ask {
  const { config } = request.backbone.backbone;
  return (pick) => async (index) => {
    const tenant = pick();
    const load = async () => makeAdapter(config, tenant, kindOf(tenant));
    const inputs: TextInput[] = [textAt(request, index)];
    await classifier.classify({ tenant: `${tenant}`, digest: "", load }, inputs);
  };
}

function textAt({ texts }: MeasureLoadRequest, index: number): string {
  return texts[index % texts.length] ?? "";
}

async function latencies(
  tools: Tools,
  { share, capacity, pick }: { share: number; capacity: number; pick: PickTenant },
): Promise<Latencies> {
  const perSecond = share * capacity;
  const { seconds } = tools.request;
  const milliseconds = await askAtRate(asksOf(tools, tools.clients.rate, pick), {
    perSecond,
    seconds,
    random: createRandom(2),
  });
  return describeLatencies(milliseconds, perSecond);
}

function describeLatencies(milliseconds: readonly number[], perSecond: number): Latencies {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  return {
    perSecond,
    requests: sorted.length,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
  };
}

/** Equal tenants at half of what the server can do, without and with one that asks for ten times its share. */
async function measureOthers(tools: Tools, capacity: number): Promise<LoadResults["others"]> {
  const { seconds } = tools.request;
  const share = 0.5 / EQUAL_TENANTS;
  const othersRate = share * (EQUAL_TENANTS - 1) * capacity;
  const askOthers = (seed: number) => {
    const random = createRandom(seed);
    const ask = asksOf(tools, tools.clients.rate, () => 1 + Math.floor(random() * (EQUAL_TENANTS - 1)));
    return askAtRate(ask, { perSecond: othersRate, seconds, random: createRandom(seed + 1) });
  };
  const askHot = (factor: number) =>
    askAtRate(
      asksOf(tools, tools.clients.hot, () => 0),
      { perSecond: factor * share * capacity, seconds, random: createRandom(9) },
    );
  const [without] = await Promise.all([askOthers(3), askHot(1)]);
  const [withHot] = await Promise.all([askOthers(3), askHot(HOT_FACTOR)]);
  return {
    without: describeLatencies(without, othersRate),
    withHotTenant: describeLatencies(withHot, othersRate),
  };
}

async function measureFirstRequests({
  request,
  tenants,
  clients,
}: Tools): Promise<LoadResults["firstRequest"]> {
  const cold: number[] = [];
  const warm: number[] = [];
  for (const [index, tenant] of tenants.slice(request.tenants, request.tenants + COLD_TENANTS).entries()) {
    for (const into of [cold, warm]) {
      const startedMs = performance.now();
      await clients.loop.classify(tenant, textAt(request, index));
      into.push(performance.now() - startedMs);
    }
  }
  const coldP99Ms = quantile(
    cold.toSorted((a, b) => a - b),
    0.99,
  );
  return { cold: summarize(cold), coldP99Ms, warm: summarize(warm) };
}
