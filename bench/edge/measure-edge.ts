// One adapter of one tenant, asked over HTTP one request after the other: at the edge tier in workerd, and at a server in
// Node that has one thread, as a Worker has. The first request to a new one pays for all that it reads and loads.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startNodeServer } from "#functions";
import { writeEdgeBackbone } from "#model/runtime";
import { createRegistry, openObjectStore, parseTenantId, putBackbone } from "#registry";
import { readBackboneFile } from "#registry/backbones";
import { startInspectedWorker } from "../../test/helpers/local-worker.ts";
import { publishAdapterOn } from "../../test/helpers/publish-adapter.ts";
import { makeRandomAdapter } from "../../test/helpers/random-adapter.ts";
import { BenchError } from "../errors.ts";
import type { BenchIo } from "../io.ts";
import type { OpenedBackbone } from "../open-backbone.ts";
import { type Summary, summarize } from "../statistics.ts";

export interface MeasureEdgeRequest {
  readonly backbone: OpenedBackbone;
  /** Of each size. */
  readonly requests: number;
  /** Before those, not measured. */
  readonly warmUp: number;
  readonly io: BenchIo;
}

interface SizeResult {
  readonly tokens: number;
  readonly texts: number;
  readonly ms: Summary;
}

interface HostResult {
  /** From the first request to a new one, to its answer; of Node with its start. */
  readonly coldMs: number;
  readonly sizes: readonly SizeResult[];
}

export interface EdgeResult {
  readonly edge: HostResult;
  readonly node: HostResult;
  /** After all of them, garbage included. */
  readonly heap: { readonly wasmBytes: number; readonly scriptBytes: number };
}

const SIZES = [
  { tokens: 16, texts: 1 },
  { tokens: 32, texts: 1 },
  { tokens: 64, texts: 1 },
  { tokens: 128, texts: 1 },
  { tokens: 128, texts: 8 },
] as const;
const ADAPTER_ID = "bench";
const tenant = parseTenantId("bench");

type Ask = (inputs: readonly string[]) => Promise<void>;

export async function measureEdge({ backbone, ...request }: MeasureEdgeRequest): Promise<EdgeResult> {
  const folder = await mkdtemp(join(tmpdir(), "softgate-bench-edge-"));
  const main = new URL("../../test/helpers/edge-probe.ts", import.meta.url).pathname;
  const vars = { BACKBONE: backbone.id };
  const worker = await startInspectedWorker("infra/edge/wrangler.jsonc", { vars, overrides: { main } });
  try {
    const secret = await fill(worker.storeUrl, backbone);
    const timed = { ...request, texts: SIZES.map((size) => textsOf(backbone, size)) };
    request.io.stderr("The edge tier\n");
    const edge = await measureHost(timed, async () => askAt(worker.url.href, secret));
    const usage = await worker.heapUsage();
    const { wasmBytes } = (await (await fetch(new URL("/heap", worker.url))).json()) as { wasmBytes: number };
    const scriptBytes = usage.usedSize + usage.embedderHeapUsedSize + usage.backingStorageSize;
    request.io.stderr("A server in Node\n");
    const place = { storeUrl: worker.storeUrl, host: "127.0.0.1", port: 0, adapterFolder: folder };
    let close: () => Promise<void> = async () => undefined;
    const node = await measureHost(timed, async () => {
      const options = { ...place, backbone: backbone.folder, threads: 1, sessions: 1, restoresWarm: false };
      const server = await startNodeServer(options);
      close = server.close;
      return askAt(server.url, secret);
    }).finally(() => close());
    return { edge, node, heap: { wasmBytes, scriptBytes } };
  } finally {
    await worker.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The backbone and one adapter into the bucket; a key of the tenant. */
async function fill(storeUrl: string, { id, folder, backbone }: OpenedBackbone): Promise<string> {
  const store = await openObjectStore(storeUrl);
  try {
    const [config, tokenizer] = await Promise.all([
      readBackboneFile({ id, folder }, "config.json"),
      readBackboneFile({ id, folder }, "tokenizer.json"),
    ]);
    await putBackbone(store, await writeEdgeBackbone(backbone, { config, tokenizer }));
    const registry = createRegistry({ store });
    const { width, layers } = backbone.config;
    const adapter = makeRandomAdapter({
      ...{ width, seed: 1, classes: 8, scaleShift: Array.from({ length: layers }, (_, layer) => layer) },
      generators: [{ layer: layers - 1, pooling: "mean", promptTokens: 8, bottleneck: 32 }],
    });
    await publishAdapterOn(backbone, registry, { tenant, name: ADAPTER_ID, adapter });
    return (await registry.createKey(tenant, "bench")).secret;
  } finally {
    await store.close();
  }
}

async function measureHost(
  { texts, requests, warmUp }: { texts: readonly (readonly string[])[]; requests: number; warmUp: number },
  open: () => Promise<Ask>,
): Promise<HostResult> {
  const openedMs = performance.now();
  const ask = await open();
  await ask(texts[0] ?? []);
  const coldMs = performance.now() - openedMs;
  const sizes: SizeResult[] = [];
  for (const [index, inputs] of texts.entries()) {
    const times: number[] = [];
    for (let request = -warmUp; request < requests; request++) {
      const startedMs = performance.now();
      await ask(inputs);
      if (request >= 0) times.push(performance.now() - startedMs);
    }
    const size = SIZES[index];
    if (size) sizes.push({ ...size, ms: summarize(times) });
  }
  return { coldMs, sizes };
}

function askAt(url: string, secret: string): Ask {
  return async (inputs) => {
    const response = await fetch(new URL("/v1/classify", url), {
      method: "POST",
      headers: { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" },
      body: JSON.stringify({ adapterId: ADAPTER_ID, inputs }),
    });
    const body = await response.text();
    if (!response.ok) throw new BenchError("server_failed", `The host answered ${response.status}: ${body}`);
  };
}

/** Each of so many tokens, or one more; no two alike, as those would be computed once. */
function textsOf({ backbone }: OpenedBackbone, { tokens, texts }: (typeof SIZES)[number]): string[] {
  const words = ["order", "late", "please", "my", "when", "refund"];
  return Array.from({ length: texts }, (_, text) => {
    let sentence = "";
    for (let at = text; backbone.tokenizer.encode(sentence).tokenIds.length < tokens; at += 1 + (at % 2)) {
      sentence += `${words[(at + text) % words.length]} `;
    }
    return sentence;
  });
}
