// A Node server from its options to its first request, and to its end. Wiring only; what stands around the classifier
// is wired in wire-services.ts, which is loaded while the classifier's session is.
import { setTimeout } from "node:timers/promises";
import type { PrecisionChoice } from "#model";
import type { Signer } from "#registry";
import { DEFAULT_BACKBONE } from "#registry/backbones";
import type { DeviceReport } from "#trainer/job";
import type { JobPlace } from "#trainer/worker";
import { findBackbone } from "./find-backbone.ts";
import { type Listener, listen } from "./listen.ts";
import type { Metrics } from "./metrics.ts";
import { createObservation } from "./observation.ts";
import type { OidcOptions } from "./oidc.ts";
import { openClassifier } from "./open-classifier.ts";
import type { ServerApp } from "./wire-services.ts";

export interface NodeServerOptions {
  readonly storeUrl: string;
  readonly port: number;
  readonly host: string;
  /** Backbone id or folder; default the default backbone. Must have been pulled. */
  readonly backbone?: string;
  /** Of a forward pass, and passes at once; 0, the default: as many as make use of the cores. */
  readonly threads?: number;
  readonly sessions?: number;
  /** Default "auto". */
  readonly precision?: PrecisionChoice;
  /** Of adapters where forward passes read them, and of those that left and are still in memory. */
  readonly adapterResidentBytes?: number;
  readonly adapterMemoryBytes?: number;
  /** Of copies of adapters' files on disk, where the store is not on this machine; 0 for none. Default 1 GiB. */
  readonly adapterDiskBytes?: number;
  /** Of these copies, and of the record of what was warm. Default: in the cache folder. */
  readonly adapterFolder?: string;
  /** Whether adapters that were warm when the last server stopped are loaded again. Default true. */
  readonly restoresWarm?: boolean;
  /** Where jobs are kept. Default: beside the store, as jobPlaceOf says. */
  readonly jobs?: JobPlace;
  /** Trainings at once; 0: workers elsewhere train. Default 1. */
  readonly trainers?: number;
  /** That trains here, as chooseDevice gave it. Default: the CPU. */
  readonly device?: DeviceReport;
  /** Whether webhooks may be addresses of private networks, and http. Default false. */
  readonly allowsPrivateWebhooks?: boolean;
  /** Of one tenant at once, on all machines. */
  readonly trainingsPerTenantMax?: number;
  /** Longest training. Default an hour. */
  readonly trainMsMax?: number;
  /** Signs what is trained here. Without one, tenants that require signatures are not trained for. */
  readonly signer?: Signer;
  /** An issuer whose tokens are taken beside keys. */
  readonly oidc?: OidcOptions;
  /** Prometheus metrics at /metrics of this port, open to who can reach it; none without. */
  readonly metricsPort?: number;
  /** Adapter id that POST /predict answers with, of the caller's tenant; there is no such path without. */
  readonly defaultAdapter?: string;
  /** How long close() goes on answering, no longer ready, before the port closes. Default 0. */
  readonly drainDelayMs?: number;
  /** Of web pages that may call the API, such as "https://app.example.com"; none without. */
  readonly corsOrigins?: readonly string[];
  readonly log?: (event: Record<string, unknown>) => void;
}

export interface NodeServer {
  readonly url: string;
  readonly metricsUrl: string | undefined;
  /** After the drain delay stops accepting, finishes requests, ends jobs. */
  close(): Promise<void>;
}

/** Each part has this long to end. */
const CLOSE_MS_MAX = 10_000;

/** Rejects with a RegistryError or ModelError, or an error that names --port or a variable; nothing stays open then. */
export async function startNodeServer(options: NodeServerOptions): Promise<NodeServer> {
  // Since the process began: what was loaded before this.
  const programMs = performance.now();
  const observation = await createObservation(options, process.env);
  const { log, metrics } = observation;
  const closers: (() => Promise<void>)[] = [];
  let app: ServerApp | undefined;
  const stop = createStop(closers, { log, drainDelayMs: options.drainDelayMs ?? 0 });
  try {
    // The port first: a second server by mistake must fail before it touches the jobs of the first.
    const listener = await listen((request) => app?.fetch(request) ?? starting(), options);
    closers.push(() => listener.close());
    const metricsListener = await listenForMetrics(metrics, options);
    if (metricsListener) closers.push(() => metricsListener.close());
    closers.push(() => observation.tracer.close());
    const entry = await findBackbone(options.backbone ?? DEFAULT_BACKBONE);
    // Its session loads in a thread of its own: meanwhile comes the rest of the program, and the store is asked.
    const opening = openClassifier(entry, { ...classifierOptions(options), log, ...observerOf(metrics) });
    closers.push(async () => (await opening).classifier.close());
    let sessionMs = 0;
    opening.then(
      () => {
        sessionMs = performance.now();
      },
      () => undefined, // Awaited below; until then a failure must not end the process.
    );
    const { wireServices } = await import("./wire-services.ts");
    const wiring = { options, observation, closers, isStopping: stop.hasBegun };
    const wired = await wireServices({ folder: entry.folder, opening }, wiring);
    app = wired.app;
    const startMs = split({ programMs, sessionMs, readyMs: performance.now() });
    log({ event: "started", url: listener.url, metricsUrl: metricsListener?.url, ...wired.facts, startMs });
    return { url: listener.url, metricsUrl: metricsListener?.url, close: stop.close };
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

/** Whole milliseconds from the start of the process until each. */
function split(times: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(times).map(([name, ms]) => [name.replace("Ms", ""), Math.round(ms)]),
  );
}

function classifierOptions(options: NodeServerOptions) {
  const { threads = 0, sessions = 0, precision = "auto", adapterResidentBytes, adapterMemoryBytes } = options;
  return {
    ...{ threads, sessions, precision },
    ...(adapterResidentBytes !== undefined && { adapterCacheBytesMax: adapterResidentBytes }),
    ...(adapterMemoryBytes !== undefined && { adapterMemoryBytesMax: adapterMemoryBytes }),
  };
}

function observerOf(metrics: Metrics | undefined) {
  return metrics ? { observer: metrics.observer } : {};
}

async function listenForMetrics(
  metrics: Metrics | undefined,
  { host, metricsPort: port = 0 }: NodeServerOptions,
): Promise<Listener | undefined> {
  if (!metrics) return undefined;
  const answer = async ({ url, method }: Request) => {
    if (method !== "GET" || new URL(url).pathname !== "/metrics") return new Response(null, { status: 404 });
    const { body, contentType } = await metrics.render();
    return new Response(body, { headers: { "Content-Type": contentType } });
  };
  return listen(answer, { host, port, option: "--metrics-port" });
}

function starting(): Response {
  return new Response("The server is starting.\n", { status: 503, headers: { "Retry-After": "1" } });
}

/** The end of a server that was started: said, delayed, done; twice is once. */
function createStop(
  closers: (() => Promise<void>)[],
  { log, drainDelayMs }: { log: (event: Record<string, unknown>) => void; drainDelayMs: number },
): { hasBegun: () => boolean; close: () => Promise<void> } {
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    log({ event: "stopping", drainDelayMs });
    if (drainDelayMs > 0) await setTimeout(drainDelayMs);
    await closeAll(closers);
    log({ event: "stopped" });
  };
  const close = () => {
    stopped ??= stop();
    return stopped;
  };
  return { hasBegun: () => stopped !== undefined, close };
}

/** First the listener, then what answers it. Twice is once. */
async function closeAll(closers: (() => Promise<void>)[]): Promise<void> {
  const [listener, ...parts] = closers.splice(0);
  for (const close of [listener, ...parts.toReversed()]) {
    // A part that will not end, or fails to, must not keep the others open.
    await Promise.allSettled([
      Promise.race([close?.(), setTimeout(CLOSE_MS_MAX, undefined, { ref: false })]),
    ]);
  }
}
