// What stands around a server's classifier: store, registry, the adapters' tiers, jobs, and the app over all of them.
import type { Classifier } from "#model/runtime";
import {
  ADAPTER_DISK_BYTES_DEFAULT,
  AdapterDisk,
  adapterCacheFolder,
  createRegistry,
  isOnThisMachine,
  KeyUses,
  openObjectStore,
} from "#registry";
import { describeDevice } from "#trainer/report";
import { type JobService, jobPlaceOf, startWorker, type WorkerOptions } from "#trainer/worker";
import { createApp } from "./app.ts";
import { checkOn } from "./check-adapter.ts";
import type { NodeServerOptions } from "./entry-node.ts";
import { adapterOf, requireSameBackbone } from "./load-adapter.ts";
import type { Metrics } from "./metrics.ts";
import { NO_TRAINER } from "./no-trainer.ts";
import type { Observation } from "./observation.ts";
import { observeJobs } from "./observe-jobs.ts";
import type { OpenedClassifier } from "./open-classifier.ts";
import type { Services } from "./services.ts";
import { WarmSet } from "./warm-set.ts";

export type ServerApp = ReturnType<typeof createApp>;

/** What is not of the Node server alone; "none" takes no jobs. */
export type ServiceOptions = Omit<NodeServerOptions, "port" | "host" | "jobs"> & {
  readonly jobs?: NodeServerOptions["jobs"] | "none";
};

export interface Wiring {
  readonly options: ServiceOptions;
  readonly observation: Observation;
  /** What is opened is pushed here, in order. */
  readonly closers: (() => Promise<void>)[];
  readonly isStopping: () => boolean;
}

/** Rejects with what the store, the classifier's opening or the jobs reject with. */
export async function wireServices(
  { folder, opening }: { folder: string; opening: Promise<OpenedClassifier> },
  { options, observation, closers, isStopping }: Wiring,
): Promise<{ app: ServerApp; facts: Record<string, unknown> }> {
  const { log, metrics, timings, tracer } = observation;
  const store = await openObjectStore(options.storeUrl);
  closers.push(() => store.close());
  await store.check();
  const disk = openDisk(store.description, options, metrics);
  if (disk) closers.push(() => disk.close());
  const { classifier, config, int8Digest } = await opening;
  const { precision } = classifier;
  const backbone = { ...classifier.backbone, ...(int8Digest !== undefined && { int8Digest }) };
  metrics?.watch(classifier, disk);
  const registry = createRegistry({
    store,
    disk,
    checkAdapter: checkOn(backbone.digest, config),
    beforeSwitch: async (tenant, adapter) => {
      requireSameBackbone(adapter, backbone);
      await classifier.warm(adapterOf(registry, tenant, adapter));
    },
    ...(metrics && { filesObserver: metrics.filesObserver }),
  });
  const tokens = options.oidc && (await import("./oidc.ts")).createTokenVerifier(options.oidc);
  const keyUses = new KeyUses({
    store,
    onFailure: (error) => log({ event: "key_use_not_written", error: String(error) }),
  });
  closers.push(() => keyUses.close());
  const warmSet = openWarmSet({ registry, classifier, log }, { ...options, store, backbone });
  if (warmSet) closers.push(() => warmSet.close());
  const observer = observeJobs(tracer, timings);
  const worker = createWorker({ registry, backbone: { ...backbone, folder }, log, observer }, options);
  const jobs = worker ?? NO_TRAINER;
  closers.push(() => jobs.close());
  const services = {
    ...{ registry, classifier, jobs, backbone, log, keyUses },
    ...(tokens && { tokens }),
    ...(options.signer && { signer: options.signer }),
    ...(warmSet && { warmSet }),
  };
  const { corsOrigins = [], defaultAdapter } = options;
  const app = createApp(services, { tracer, timings, isStopping, corsOrigins, defaultAdapter });
  warmSet?.start();
  worker?.begin();
  const device = options.device && { device: describeDevice(options.device) };
  return { app, facts: { store: store.description, backbone, precision, ...device } };
}

/** Undefined where this server takes no trainings. */
function createWorker(
  parts: Pick<WorkerOptions, "registry" | "backbone" | "log" | "observer">,
  options: ServiceOptions,
): JobService | undefined {
  const { jobs = jobPlaceOf(options.storeUrl, {}), signer, device } = options;
  const { trainers, trainingsPerTenantMax, trainMsMax } = options;
  if (jobs === "none") return undefined;
  return startWorker({
    ...parts,
    jobs,
    ...(signer && { signer }),
    ...(device && { device }),
    ...(trainers !== undefined && { trainers }),
    ...(trainingsPerTenantMax !== undefined && { trainingsPerTenantMax }),
    ...(trainMsMax !== undefined && { trainMsMax }),
    webhooks: { allowsPrivate: options.allowsPrivateWebhooks ?? false },
  });
}

function openDisk(
  store: string,
  { storeUrl, adapterDiskBytes: bytesMax = ADAPTER_DISK_BYTES_DEFAULT, adapterFolder }: ServiceOptions,
  metrics: Metrics | undefined,
): AdapterDisk | undefined {
  if (isOnThisMachine(storeUrl) || bytesMax === 0) return undefined;
  const folder = adapterFolder ?? adapterCacheFolder();
  return new AdapterDisk({ folder, bytesMax, store, ...(metrics && { observer: metrics.filesObserver }) });
}

function openWarmSet(
  parts: { registry: Services["registry"]; classifier: Classifier; log: Services["log"] },
  options: Omit<ServiceOptions, "backbone"> & {
    store: { description: string };
    backbone: Services["backbone"];
  },
): WarmSet | undefined {
  const { storeUrl, restoresWarm = true, adapterFolder: folder = adapterCacheFolder() } = options;
  if (!restoresWarm || storeUrl === "memory:") return undefined;
  const place = { folder, store: options.store.description, backboneDigest: options.backbone.digest };
  return new WarmSet({ place, ...parts });
}
