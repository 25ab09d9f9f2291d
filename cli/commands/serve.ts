// softgate serve: the HTTP API in the foreground, until a signal ends it.
import { once } from "node:events";
import { Command, InvalidArgumentError, Option } from "commander";
import {
  ADAPTER_MEMORY_BYTES_DEFAULT,
  ADAPTER_RESIDENT_BYTES_DEFAULT,
  type DeviceChoice,
  type PrecisionChoice,
} from "#model";
import { ADAPTER_DISK_BYTES_DEFAULT, parseAdapterReference } from "#registry";
import type { Io } from "../io.ts";
import { LOG_LEVELS, type LogLevel } from "../log-level.ts";
import { type OidcCommandOptions, oidcOf, withOidc } from "../oidc-options.ts";
import {
  backboneOption,
  defaultAdapterOption,
  type JobsOptions,
  jobsOf,
  precisionOption,
  type StoreOptions,
  type TrainersOptions,
  wholeNumber,
  withJobs,
  withStore,
  withTrainers,
} from "../options.ts";
import { json } from "../output.ts";
import { findOrPull } from "../pull.ts";
import { readSigner } from "../signing-key-file.ts";

interface ServeOptions extends StoreOptions, JobsOptions, TrainersOptions, OidcCommandOptions {
  readonly port: number;
  readonly host: string;
  readonly backbone: string;
  readonly threads?: number;
  readonly sessions?: number;
  readonly precision: PrecisionChoice;
  readonly webhooksToPrivate?: true;
  readonly metricsPort?: number;
  readonly drainDelay: number;
  readonly logLevel: LogLevel;
  readonly adapterResidentBytes: number;
  readonly adapterMemoryBytes: number;
  readonly adapterDiskBytes: number;
  readonly adapterFolder?: string;
  readonly prefetch: boolean;
  readonly signingKey?: string;
  readonly corsOrigin: readonly string[];
  readonly defaultAdapter?: string;
}

/** Seconds. */
const DRAIN_DELAY_MAX = 600;

export function serveCommand(io: Io): Command {
  return withOidc(withTrainers(withJobs(withStore(new Command("serve"), io), io), { trainersMin: 0 }))
    .description(
      "serve the HTTP API; its log goes to standard error, as JSON lines unless that is a terminal",
    )
    .option("--port <port>", "0 takes any free one", wholeNumber(0, 65_535), 8080)
    .option("--host <address>", "0.0.0.0 answers the whole network", "127.0.0.1")
    .option("--threads <n>", "of a forward pass; 0: as many as make use of the cores", wholeNumber(0, 256))
    .option("--sessions <n>", "forward passes at once; 0: one for each core and thread", wholeNumber(0, 256))
    .option(
      "--webhooks-to-private",
      "let tenants name webhooks in private networks, and by http: for tenants that are all trusted",
    )
    .option("--metrics-port <port>", "serve Prometheus metrics there, at /metrics", wholeNumber(0, 65_535))
    .option(
      "--drain-delay <seconds>",
      "at SIGTERM, answer so long while /readyz says 503; then close the port",
      wholeNumber(0, DRAIN_DELAY_MAX),
      0,
    )
    .addOption(new Option("--log-level <level>", "least that is logged").choices(LOG_LEVELS).default("info"))
    .option(
      "--adapter-resident-bytes <n>",
      "of adapters where forward passes read them",
      wholeNumber(1, Number.MAX_SAFE_INTEGER),
      ADAPTER_RESIDENT_BYTES_DEFAULT,
    )
    .option(
      "--adapter-memory-bytes <n>",
      "of adapters that had to leave there and stay in memory; 0 for none",
      wholeNumber(0, Number.MAX_SAFE_INTEGER),
      ADAPTER_MEMORY_BYTES_DEFAULT,
    )
    .option(
      "--adapter-disk-bytes <n>",
      "of adapters' files copied to this machine's disk, where the store is elsewhere; 0 for none",
      wholeNumber(0, Number.MAX_SAFE_INTEGER),
      ADAPTER_DISK_BYTES_DEFAULT,
    )
    .option("--adapter-folder <path>", "of these copies, and of what was warm (default: in the cache folder)")
    .option(
      "--no-prefetch",
      "do not load, after the start, the adapters that were warm when the last server stopped",
    )
    .option(
      "--signing-key <file>",
      "sign what is trained here with this private key, see softgate signing-key",
    )
    .option(
      "--cors-origin <origin...>",
      "web pages of these origins may call the API from a browser; * for all",
      collectOrigin,
      [],
    )
    .addOption(defaultAdapterOption())
    .addOption(precisionOption())
    .addOption(backboneOption())
    .action((options: ServeOptions) => serve(options, io));
}

/** Undefined: the CPU. Loaded late, as it is seldom another that is asked for, and a server is to start fast. */
async function deviceOf(choice: DeviceChoice, backbone: { id: string; folder: string }) {
  if (choice === "cpu") return undefined;
  const { chooseDevice } = await import("#trainer/run-job");
  return chooseDevice(choice, { backbone });
}

async function serve(options: ServeOptions, io: Io): Promise<void> {
  const { store: storeUrl, port, host, threads, sessions, precision, metricsPort } = options;
  const { adapterResidentBytes, adapterMemoryBytes, adapterDiskBytes, adapterFolder } = options;
  const signer = await readSigner(options.signingKey);
  const oidc = oidcOf(options);
  if (options.defaultAdapter !== undefined) parseAdapterReference(options.defaultAdapter);
  const { id, folder } = await findOrPull(options.backbone, io, { silent: options.json === true });
  const device = options.trainers > 0 ? await deviceOf(options.device, { id, folder }) : undefined;
  // Loaded late: most commands need no native code, and start faster without.
  const [{ startNodeServer }, { createServeLog }] = await Promise.all([
    import("#functions"),
    import("../serve-log.ts"),
  ]);
  const server = await startNodeServer({
    storeUrl,
    port,
    host,
    precision,
    backbone: folder,
    ...{ jobs: await jobsOf(options, io), trainers: options.trainers },
    trainingsPerTenantMax: options.trainingsPerTenant,
    trainMsMax: options.trainingMinutesMax * 60_000,
    allowsPrivateWebhooks: options.webhooksToPrivate ?? false,
    ...{ adapterResidentBytes, adapterMemoryBytes, adapterDiskBytes, restoresWarm: options.prefetch },
    ...(adapterFolder !== undefined && { adapterFolder }),
    ...(threads !== undefined && { threads }),
    ...(sessions !== undefined && { sessions }),
    ...(metricsPort !== undefined && { metricsPort }),
    ...(signer && { signer }),
    ...(device && { device }),
    corsOrigins: options.corsOrigin,
    ...(oidc && { oidc }),
    ...(options.defaultAdapter !== undefined && { defaultAdapter: options.defaultAdapter }),
    drainDelayMs: options.drainDelay * 1_000,
    log: createServeLog({ level: options.logLevel, isTerminal: io.isTerminal, write: io.stderr }),
  });
  const { url, metricsUrl } = server;
  const metrics = metricsUrl === undefined ? "" : `Metrics at ${metricsUrl}/metrics.\n`;
  io.stdout(options.json ? json({ url, metricsUrl }) : `Serving on ${url}. Ctrl-C ends it.\n${metrics}`);
  if (!io.signal.aborted) await once(io.signal, "abort");
  await server.close();
}

/** Throws InvalidArgumentError for what no browser would send as Origin. */
function collectOrigin(value: string, origins: readonly string[]): readonly string[] {
  const isOrigin = value === "*" || (URL.canParse(value) && new URL(value).origin === value);
  if (isOrigin) return [...origins, value];
  throw new InvalidArgumentError(
    'Write scheme, host and port alone, such as "https://app.example.com", or "*".',
  );
}
