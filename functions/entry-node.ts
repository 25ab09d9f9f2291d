// Wires store, registry, backbone, classifier and jobs into one Node server. Wiring only.
import { setTimeout } from "node:timers/promises";
import { assertFits, type EncoderConfig, type PrecisionChoice, parsePublishedAdapter } from "#model";
import { Classifier } from "#model/runtime";
import { type CheckAdapter, createRegistry, openObjectStore } from "#registry";
import { DEFAULT_BACKBONE, loadBackbone } from "#registry/backbones";
import { startWorker } from "#trainer/worker";
import { createApp } from "./app.ts";
import { findBackbone } from "./find-backbone.ts";
import { type Listener, listen } from "./listen.ts";
import { createMetrics, type Metrics } from "./metrics.ts";

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
  readonly log?: (event: Record<string, unknown>) => void;
}

export interface NodeServer {
  readonly url: string;
  readonly metricsUrl: string | undefined;
  /** Stops accepting, finishes requests, ends jobs. */
  close(): Promise<void>;
}

/** Each part has this long to end. */
const CLOSE_MS_MAX = 10_000;

/** Rejects with a RegistryError or ModelError, or an error that names --port; nothing stays open then. */
export async function startNodeServer(options: NodeServerOptions): Promise<NodeServer> {
  const metrics = options.metricsPort === undefined ? undefined : createMetrics();
  const log = (event: Record<string, unknown>) => {
    metrics?.requestLogged(event);
    options.log?.(event);
  };
  const closers: (() => Promise<void>)[] = [];
  let app: ReturnType<typeof createApp> | undefined;
  try {
    // The port first: a second server by mistake must fail before it touches the jobs of the first.
    const listener = await listen((request) => app?.fetch(request) ?? starting(), options);
    closers.push(() => listener.close());
    const metricsListener = await listenForMetrics(metrics, options);
    if (metricsListener) closers.push(() => metricsListener.close());
    const store = await openObjectStore(options.storeUrl);
    closers.push(() => store.close());
    await store.check();
    const { id, folder } = await findBackbone(options.backbone ?? DEFAULT_BACKBONE);
    const loaded = await loadBackbone({ id, folder });
    const backbone = { id: loaded.id, digest: loaded.digest };
    const registry = createRegistry({ store, checkAdapter: checkOn(loaded.digest, loaded.config) });
    const { threads = 0, precision = "auto" } = options;
    const classifier = await Classifier.create(loaded, {
      ...{ threads, precision },
      ...(metrics && { observer: metrics.observer }),
    });
    metrics?.watch(classifier);
    closers.push(() => classifier.close());
    const jobs = await startWorker({ registry, backbone: { ...backbone, folder }, log });
    closers.push(() => jobs.close());
    app = createApp({ registry, classifier, jobs, backbone, log });
    log({
      event: "started",
      url: listener.url,
      metricsUrl: metricsListener?.url,
      store: store.description,
      backbone,
      precision: classifier.precision,
    });
    return { url: listener.url, metricsUrl: metricsListener?.url, close: () => closeAll(closers) };
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
