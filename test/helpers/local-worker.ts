// A Worker of this repository in workerd on this machine, as its wrangler.jsonc has it, its R2 bucket also reached from
// here by S3. What the bucket holds is gone when it stops.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { createTestHarness, type TestHarness, unstable_startWorker } from "wrangler";

export interface LocalWorker {
  readonly url: URL;
  /** Of its bucket, for openObjectStore. */
  readonly storeUrl: string;
  readonly harness: TestHarness;
  stop(): Promise<void>;
}

export interface LocalWorkerOptions {
  /** Over those of the file; undefined takes one away. */
  readonly vars?: Readonly<Record<string, string | undefined>>;
  /** Over whatever else the file says. */
  readonly overrides?: Readonly<Record<string, unknown>>;
}

interface WranglerConfig {
  readonly main: string;
  readonly alias?: Readonly<Record<string, string>>;
  readonly vars?: Readonly<Record<string, string>>;
  readonly r2_buckets?: readonly { readonly binding: string; readonly bucket_name: string }[];
}

/** For `overrides`: nothing of a Worker's own containers, which need Docker. */
export const WITHOUT_CONTAINERS = {
  containers: undefined,
  durable_objects: undefined,
  migrations: undefined,
};

const CREDENTIALS = { accessKeyId: "local-access", secretAccessKey: "local-secret-key" };

/**
 * `file`: from the root of the repository. Sets the environment's AWS credentials to the bucket's. Rejects with
 * what the Worker fails with at its start.
 */
export async function startLocalWorker(file: string, options: LocalWorkerOptions = {}): Promise<LocalWorker> {
  const local = await writeLocalConfig(file, options);
  const harness = createTestHarness({ root: local.root, workers: [{ configPath: local.configPath }] });
  const stop = async () => {
    await harness.close();
    await local.remove();
  };
  try {
    const { url } = await harness.listen();
    return { url, harness, storeUrl: local.storeUrlAt(url), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What a Worker's isolate holds, in bytes, garbage included. */
export interface HeapUsage {
  readonly usedSize: number;
  readonly embedderHeapUsedSize: number;
  /** Of array buffers. */
  readonly backingStorageSize: number;
}

export interface InspectedWorker extends Omit<LocalWorker, "harness"> {
  heapUsage(): Promise<HeapUsage>;
}

/** As startLocalWorker, with an inspector. */
export async function startInspectedWorker(
  file: string,
  options: LocalWorkerOptions = {},
): Promise<InspectedWorker> {
  const local = await writeLocalConfig(file, options);
  const onThisMachine = { hostname: "127.0.0.1", port: 0 };
  const worker = await unstable_startWorker({
    config: local.configPath,
    dev: { server: onThisMachine, inspector: onThisMachine, logLevel: "error" },
  });
  const stop = async () => {
    await worker.dispose();
    await local.remove();
  };
  try {
    await worker.ready;
    const url = await worker.url;
    const inspectorUrl = await worker.inspectorUrl;
    const heapUsage = () => askInspector(inspectorUrl, "Runtime.getHeapUsage") as Promise<HeapUsage>;
    return { url, storeUrl: local.storeUrlAt(url), heapUsage, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The file with all its paths whole, in a folder of its own. */
export async function writeLocalConfig(file: string, { vars = {}, overrides = {} }: LocalWorkerOptions = {}) {
  const path = fileURLToPath(new URL(`../../${file}`, import.meta.url));
  const config = parseWranglerConfig(await readFile(path, "utf8"));
  const root = await mkdtemp(join(tmpdir(), "softgate-worker-"));
  const configPath = join(root, "wrangler.json");
  const local = {
    ...config,
    main: resolve(dirname(path), config.main),
    alias: Object.fromEntries(
      Object.entries(config.alias ?? {}).map(([name, file]) => [name, resolve(dirname(path), file)]),
    ),
    vars: { ...config.vars, ...vars },
    r2_buckets: config.r2_buckets?.map((bucket) => ({
      ...bucket,
      local_dev: { experimental_s3_credentials: CREDENTIALS },
    })),
    ...overrides,
  };
  await writeFile(configPath, JSON.stringify(local));
  const storeUrlAt = (url: URL) => {
    // Not as stubs, which end with each test: a file of tests has a process, and one bucket, of its own.
    process.env.AWS_ACCESS_KEY_ID = CREDENTIALS.accessKeyId;
    process.env.AWS_SECRET_ACCESS_KEY = CREDENTIALS.secretAccessKey;
    const endpoint = new URL("/cdn-cgi/local/r2/s3", url).href;
    return `s3://${config.r2_buckets?.[0]?.bucket_name}?endpoint=${endpoint}&region=auto`;
  };
  return { root, configPath, storeUrlAt, remove: () => rm(root, { recursive: true, force: true }) };
}

/** One message of the DevTools protocol, and its answer's result. */
async function askInspector(inspectorUrl: URL | undefined, method: string): Promise<unknown> {
  const targets = (await (await fetch(new URL("/json", inspectorUrl))).json()) as {
    webSocketDebuggerUrl: string;
  }[];
  // It asks for an origin of this machine.
  const init = { headers: { Origin: "http://localhost" } } as unknown as string[];
  const socket = new WebSocket(targets[0]?.webSocketDebuggerUrl ?? "", init);
  try {
    return await new Promise((resolve, reject) => {
      socket.onerror = () => reject(new Error("The inspector cut the connection."));
      socket.onopen = () => socket.send(JSON.stringify({ id: 1, method }));
      socket.onmessage = ({ data }) => {
        const { id, result } = JSON.parse(String(data));
        if (id === 1) resolve(result);
      };
    });
  } finally {
    socket.close();
  }
}

/** The files of this repository have comments on lines of their own, and no others. */
function parseWranglerConfig(text: string): WranglerConfig {
  return JSON.parse(text.replaceAll(/^\s*\/\/.*$/gm, ""));
}
