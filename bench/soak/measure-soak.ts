// A server process whose adapters are replaced, rolled back, removed and restored while they are asked for. Every
// answer is judged, and the server's memory is watched.
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import {
  ALIAS_STALE_MS_MAX,
  createRegistry,
  openObjectStore,
  parseAdapterReference,
  parseTenantId,
  type Registry,
} from "#registry";
import { createRandom } from "#trainer";
import type { BenchIo } from "../io.ts";
import type { BenchStore } from "../load/bench-store.ts";
import { askAtRate, askInLoop, zipf } from "../load/drive.ts";
import { createHttpClient, type HttpClient } from "../load/http-client.ts";
import { type ServerProcess, startServerProcess } from "../load/server-process.ts";
import { ADAPTER_NAME, publishTenants, type Tenant } from "../load/tenants.ts";
import type { OpenedBackbone } from "../open-backbone.ts";
import { quantile } from "../statistics.ts";
import { CHANGES, type Change, Churn } from "./churn.ts";
import { type Asked, judge, reasonOf, type Verdict } from "./judge.ts";
import { growthPerMinute, type MemorySample } from "./memory.ts";
import { PRECISION, References, TOLERANCE } from "./references.ts";
import { Reigns } from "./reigns.ts";

export interface SoakRequest {
  readonly backbone: OpenedBackbone;
  readonly texts: readonly string[];
  readonly store: BenchStore;
  readonly adapters: number;
  /** Requests, each of one text. */
  readonly perSecond: number;
  readonly changesPerSecond: number;
  readonly minutes: number;
  readonly threads: number;
}

export interface SoakResults {
  readonly answers: Readonly<Record<Verdict, number>>;
  /** Why requests were lost: how many of each status and code. */
  readonly lostBecause: Readonly<Record<string, number>>;
  readonly changes: Readonly<Record<Change, number>>;
  readonly latency: { readonly p50Ms: number; readonly p99Ms: number };
  /** Of the server, where the system tells. */
  readonly memory: {
    readonly samples: readonly MemorySample[];
    /** Of the second half: a least-squares line. */
    readonly megabytesPerMinute: number;
  } | null;
  readonly scoreTolerance: number;
  readonly staleMsMax: number;
  readonly targets: readonly { name: string; value: number; target: string; met: boolean }[];
}

const CONNECTIONS_MAX = 1_024;
/** Before memory is watched. */
const GROWING = { connections: 64, seconds: 5 };
const SAMPLE_MS = 1_000;
const GROWTH_MAX = 1;
/** Small, so that adapters leave each tier all the time, and memory has come to rest before the second half. */
const TIER_ARGS = [
  ...["--adapter-resident-bytes", `${8 * 1024 * 1024}`],
  ...["--adapter-memory-bytes", `${4 * 1024 * 1024}`],
  ...["--adapter-disk-bytes", `${8 * 1024 * 1024}`],
];

export async function measureSoak(request: SoakRequest, io: BenchIo): Promise<SoakResults> {
  const { backbone, texts, threads } = request;
  const { url: storeUrl, folder } = request.store;
  const store = await openObjectStore(storeUrl);
  const references = await References.create(backbone.backbone, texts, threads);
  try {
    const published = { storeUrl, backbone: backbone.backbone, count: request.adapters };
    const tenants = await publishTenants(published, () => undefined);
    const registry = createRegistry({ store });
    const reigns = await firstReigns(registry, tenants, references);
    const churn = new Churn({
      ...{ registry, backbone: backbone.backbone, tenants, reigns, references },
      ...{ random: createRandom(2), firstSeed: tenants.length },
    });
    const server = await startServerProcess({
      ...{ storeUrl, backboneFolder: backbone.folder, threads },
      args: ["--precision", PRECISION, "--adapter-folder", join(folder, "adapters"), ...TIER_ARGS],
    });
    try {
      return await soak({ request, tenants, reigns, references, churn, server, io });
    } finally {
      await server.close();
    }
  } finally {
    await references.close();
    await store.close();
  }
}

async function firstReigns(
  registry: Registry,
  tenants: readonly Tenant[],
  references: References,
): Promise<Reigns[]> {
  const reigns: Reigns[] = [];
  for (const [seed, { id }] of tenants.entries()) {
    const { digest } = await registry.resolve(parseTenantId(id), parseAdapterReference(ADAPTER_NAME));
    references.set(digest, await references.compute(seed));
    reigns.push(new Reigns(ALIAS_STALE_MS_MAX, digest));
  }
  return reigns;
}

interface Tools {
  readonly request: SoakRequest;
  readonly tenants: readonly Tenant[];
  readonly reigns: readonly Reigns[];
  readonly references: References;
  readonly churn: Churn;
  readonly server: ServerProcess;
  readonly io: BenchIo;
}

async function soak(tools: Tools): Promise<SoakResults> {
  const { request, server } = tools;
  const client = createHttpClient(server.url, CONNECTIONS_MAX);
  const tally = new Tally(tools);
  const ended = new AbortController();
  try {
    await growBuffers(tools, client);
    const watching = watchMemory(server, ended.signal);
    const changing = changeAgainAndAgain(tools, tally, ended.signal);
    const milliseconds = await askAtRate(asksOf(tools, client, tally), {
      ...{ perSecond: request.perSecond, seconds: 60 * request.minutes, random: createRandom(1) },
    });
    ended.abort();
    const changes = await changing;
    tally.judgeAll();
    const sorted = milliseconds.toSorted((a, b) => a - b);
    const samples = await watching;
    const memory = samples.length === 0 ? null : { samples, megabytesPerMinute: growthPerMinute(samples) };
    return {
      ...{ answers: tally.verdicts, lostBecause: tally.lostBecause, changes, memory },
      latency: { p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) },
      ...{ scoreTolerance: TOLERANCE, staleMsMax: ALIAS_STALE_MS_MAX },
      targets: targetsOf(tally.verdicts, memory?.megabytesPerMinute),
    };
  } finally {
    ended.abort();
    client.close();
  }
}

/** First: a session's buffers grow with the largest pass, not with time. */
async function growBuffers({ request, tenants }: Tools, client: HttpClient): Promise<void> {
  const ask = async (index: number) => {
    const tenant = tenants[index % tenants.length];
    if (tenant) await client.classify(tenant, request.texts[index % request.texts.length] ?? "");
  };
  await askInLoop(ask, GROWING);
}

/** Answers wait to be judged until no change is under way: then it is known what was current. */
class Tally {
  readonly verdicts: Record<Verdict, number> = {
    ...{ right: 0, right404: 0, wrongVersion: 0, wrongScores: 0, lost: 0 },
  };
  readonly lostBecause: Record<string, number> = {};
  readonly #tools: Pick<Tools, "reigns" | "references">;
  #waiting: Asked[] = [];

  constructor(tools: Pick<Tools, "reigns" | "references">) {
    this.#tools = tools;
  }

  add(asked: Asked): void {
    this.#waiting.push(asked);
  }

  judgeAll(): void {
    const { reigns, references } = this.#tools;
    for (const asked of this.#waiting) {
      const own = reigns[asked.tenant];
      if (!own) throw new Error("invariant: tenants are asked by index");
      const verdict = judge(asked, own, references);
      this.verdicts[verdict] += 1;
      if (verdict !== "lost") continue;
      const reason = reasonOf(asked);
      this.lostBecause[reason] = (this.lostBecause[reason] ?? 0) + 1;
    }
    this.#waiting = [];
  }
}

function asksOf({ request, tenants }: Tools, client: HttpClient, tally: Tally) {
  const pick = zipf(tenants.length, createRandom(3));
  return async (index: number) => {
    const [at, text] = [pick(), index % request.texts.length];
    const tenant = tenants[at];
    if (!tenant) throw new Error("invariant: tenants are picked by index");
    const sentMs = performance.now();
    const answer = await client
      .ask(tenant, request.texts[text] ?? "")
      .catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
    tally.add({ tenant: at, text, sentMs, answeredMs: performance.now(), answer });
  };
}

async function changeAgainAndAgain(
  { churn, request, io }: Tools,
  tally: Tally,
  signal: AbortSignal,
): Promise<Record<Change, number>> {
  const counts = Object.fromEntries(CHANGES.map((change) => [change, 0])) as Record<Change, number>;
  const everyMs = 1000 / request.changesPerSecond;
  let toldMs = performance.now();
  while (!signal.aborted) {
    const startedMs = performance.now();
    counts[await churn.changeOne()] += 1;
    tally.judgeAll();
    if (startedMs - toldMs > 10_000) {
      toldMs = startedMs;
      io.stderr(`${JSON.stringify(tally.verdicts)} ${JSON.stringify(counts)}\n`);
    }
    await setTimeout(Math.max(0, startedMs + everyMs - performance.now()));
  }
  return counts;
}

async function watchMemory(server: ServerProcess, signal: AbortSignal): Promise<MemorySample[]> {
  const samples: MemorySample[] = [];
  const startedMs = performance.now();
  while (!signal.aborted) {
    const megabytes = server.residentMegabytes();
    if (megabytes !== undefined) samples.push({ seconds: (performance.now() - startedMs) / 1000, megabytes });
    await setTimeout(SAMPLE_MS, undefined, { signal }).catch(() => undefined);
  }
  return samples;
}

function targetsOf(verdicts: Record<Verdict, number>, growth: number | undefined): SoakResults["targets"] {
  const none = (name: string, value: number) => ({ name, value, target: "0", met: value === 0 });
  return [
    none("answers of a version that was not current", verdicts.wrongVersion),
    none("answers with other scores than their version's", verdicts.wrongScores),
    none("requests lost", verdicts.lost),
    ...(growth === undefined
      ? []
      : [
          {
            name: "MB of memory more a minute, second half",
            value: growth,
            target: `< ${GROWTH_MAX}`,
            met: growth < GROWTH_MAX,
          },
        ]),
  ];
}
