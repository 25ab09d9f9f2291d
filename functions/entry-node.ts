// Wires store, registry, backbone, classifier and jobs into one Node server. Wiring only.
import { setTimeout } from "node:timers/promises";
import type { PrecisionChoice } from "#model";
import { Classifier } from "#model/runtime";
import {
  ADAPTER_DISK_BYTES_DEFAULT,
  AdapterDisk,
  adapterCacheFolder,
  createRegistry,
  isOnThisMachine,
  openObjectStore,
} from "#registry";
import { DEFAULT_BACKBONE, loadBackbone } from "#registry/backbones";
import { startWorker } from "#trainer/worker";
import { createApp } from "./app.ts";
import { findBackbone } from "./find-backbone.ts";
import { type Listener, listen } from "./listen.ts";
import { adapterOf, requireSameBackbone } from "./load-adapter.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import type { Services } from "./services.ts";
import { WarmSet } from "./warm-set.ts";

export interface NodeServerOptions {
  readonly storeUrl: string;
  readonly port: number;
  readonly host: string;
  /** Backbone id or folder; default the default backbone. Must have been pulled. */
  readonly backbone?: string;
  readonly threads?: number;
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
    const disk = openDisk(store.description, options, metrics);
    if (disk) closers.push(() => disk.close());
    let warm: BeforeSwitch = async () => undefined;
    const registry = createRegistry({
      store,
      disk,
      beforeSwitch: (tenant, adapter) => warm(tenant, adapter),
      ...(metrics && { filesObserver: metrics.filesObserver }),
    });
    const { id, folder } = await findBackbone(options.backbone ?? DEFAULT_BACKBONE);
    const loaded = await loadBackbone({ id, folder });
    const backbone = { id: loaded.id, digest: loaded.digest };
    const { threads = 0, precision = "auto", adapterResidentBytes, adapterMemoryBytes } = options;
    const classifier = await Classifier.create(loaded, {
      ...{ threads, precision },
      ...(adapterResidentBytes !== undefined && { adapterCacheBytesMax: adapterResidentBytes }),
      ...(adapterMemoryBytes !== undefined && { adapterMemoryBytesMax: adapterMemoryBytes }),
      ...(metrics && { observer: metrics.observer }),
    });
    metrics?.watch(classifier, disk);
    closers.push(() => classifier.close());
    warm = async (tenant, adapter) => {
      requireSameBackbone(adapter, backbone);
      await classifier.warm(adapterOf(registry, tenant, adapter));
    };
    const warmSet = openWarmSet({ registry, classifier, log }, { ...options, store, backbone });
    if (warmSet) closers.push(() => warmSet.close());
    const jobs = await startWorker({ registry, backbone: { ...backbone, folder }, log });
    closers.push(() => jobs.close());
    app = createApp({ registry, classifier, jobs, backbone, log, ...(warmSet && { warmSet }) });
    warmSet?.start();
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

type BeforeSwitch = NonNullable<Parameters<typeof createRegistry>[0]["beforeSwitch"]>;

function openDisk(
  store: string,
  { storeUrl, adapterDiskBytes: bytesMax = ADAPTER_DISK_BYTES_DEFAULT, adapterFolder }: NodeServerOptions,
  metrics: Metrics | undefined,
): AdapterDisk | undefined {
  if (isOnThisMachine(storeUrl) || bytesMax === 0) return undefined;
  const folder = adapterFolder ?? adapterCacheFolder();
  return new AdapterDisk({ folder, bytesMax, store, ...(metrics && { observer: metrics.filesObserver }) });
}

function openWarmSet(
  parts: { registry: Services["registry"]; classifier: Classifier; log: Services["log"] },
  options: Omit<NodeServerOptions, "backbone"> & {
    store: { description: string };
    backbone: Services["backbone"];
  },
): WarmSet | undefined {
  const { storeUrl, restoresWarm = true, adapterFolder: folder = adapterCacheFolder() } = options;
  if (!restoresWarm || storeUrl === "memory:") return undefined;
  const place = { folder, store: options.store.description, backboneDigest: options.backbone.digest };
  return new WarmSet({ place, ...parts });
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
