// Wires store, registry, backbone, classifier and jobs into one Node server. Wiring only.
import { setTimeout } from "node:timers/promises";
import { assertFits, type EncoderConfig, type PrecisionChoice, parsePublishedAdapter } from "#model";
import { type CheckAdapter, createRegistry, openObjectStore } from "#registry";
import { DEFAULT_BACKBONE } from "#registry/backbones";
import { startWorker } from "#trainer/worker";
import { createApp } from "./app.ts";
import { findBackbone } from "./find-backbone.ts";
import { type Listener, listen } from "./listen.ts";
import type { Metrics } from "./metrics.ts";
import { createObservation } from "./observation.ts";
import { observeJobs } from "./observe-jobs.ts";
import { openClassifier } from "./open-classifier.ts";

export interface NodeServerOptions {
  readonly storeUrl: string;
  readonly port: number;
  readonly host: string;
  /** Backbone id or folder; default the default backbone. Must have been pulled. */
  readonly backbone?: string;
  readonly threads?: number;
  /** Default "auto". */
  readonly precision?: PrecisionChoice;
  /** Prometheus metrics at /metrics of this port, open to who can reach it; none without. */
  readonly metricsPort?: number;
  /** How long close() goes on answering, no longer ready, before the port closes. Default 0. */
  readonly drainDelayMs?: number;
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
  const { log, metrics, timings, tracer } = await createObservation(options, process.env);
  const closers: (() => Promise<void>)[] = [];
  let app: ReturnType<typeof createApp> | undefined;
  const stop = createStop(closers, { log, drainDelayMs: options.drainDelayMs ?? 0 });
  try {
    // The port first: a second server by mistake must fail before it touches the jobs of the first.
    const listener = await listen((request) => app?.fetch(request) ?? starting(), options);
    closers.push(() => listener.close());
    const metricsListener = await listenForMetrics(metrics, options);
    if (metricsListener) closers.push(() => metricsListener.close());
    closers.push(() => tracer.close());
    const store = await openObjectStore(options.storeUrl);
    closers.push(() => store.close());
    await store.check();
    const { id, folder } = await findBackbone(options.backbone ?? DEFAULT_BACKBONE);
    const { threads = 0, precision = "auto" } = options;
    const { classifier, config } = await openClassifier(
      { id, folder },
      { threads, precision, log, ...(metrics && { observer: metrics.observer }) },
    );
    const { backbone } = classifier;
    const registry = createRegistry({ store, checkAdapter: checkOn(backbone.digest, config) });
    metrics?.watch(classifier);
    closers.push(() => classifier.close());
    const jobs = await startWorker({
      registry,
      backbone: { ...backbone, folder },
      log,
      observer: observeJobs(tracer, timings),
    });
    closers.push(() => jobs.close());
    app = createApp(
      { registry, classifier, jobs, backbone, log },
      { tracer, timings, isStopping: stop.hasBegun },
    );
    log({
      event: "started",
      url: listener.url,
      metricsUrl: metricsListener?.url,
      store: store.description,
      backbone,
      precision: classifier.precision,
    });
    return { url: listener.url, metricsUrl: metricsListener?.url, close: stop.close };
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

/** An adapter that names the backbone held here must fit it too: else no text could be classified with it. */
function checkOn(digest: string, config: EncoderConfig): CheckAdapter {
  return (files, manifest) => {
    const adapter = parsePublishedAdapter(files, manifest);
    if (manifest.backbone.digest === digest) assertFits(adapter, config);
  };
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
