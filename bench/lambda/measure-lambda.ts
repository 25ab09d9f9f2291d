// The function as AWS's runtime client drives it: from the start of its process to its first answer, and requests after
// that. What Lambda itself adds before, fetching the package and starting a machine, is not in it.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { readLambdaEvent } from "../../test/helpers/lambda-event.ts";
import {
  findLambdaRuntimeClient,
  type LambdaFunctionOptions,
  startLambdaFunction,
} from "../../test/helpers/lambda-runtime-api.ts";
import { BenchError } from "../errors.ts";
import type { BenchIo } from "../io.ts";
import type { BenchStore } from "../load/bench-store.ts";
import { ADAPTER_NAME, publishTenants, type Tenant } from "../load/tenants.ts";
import type { OpenedBackbone } from "../open-backbone.ts";
import { type Summary, summarize } from "../statistics.ts";

export interface LambdaRequest {
  /** Of the backbone, as it was named. */
  readonly idOrFolder: string;
  readonly backbone: OpenedBackbone;
  readonly store: BenchStore;
  readonly texts: readonly string[];
  readonly rounds: number;
  /** After the first, of each start. */
  readonly warmRequests: number;
}

export interface LambdaResults {
  /** Milliseconds from the start of the process until it asks for an event: what Lambda calls init. */
  readonly initMs: Summary;
  /** Until its first answer is there, init included. */
  readonly firstAnswerMs: Summary;
  readonly warmMs: Summary;
  /** Of the process after the last request. */
  readonly residentMegabytes: number | null;
}

const ASSEMBLE = fileURLToPath(new URL("../../infra/lambda/main.ts", import.meta.url));

interface Times {
  readonly init: number[];
  readonly first: number[];
  readonly warm: number[];
}

/** Throws BenchError missing_files where the runtime client was not built. */
export async function measureLambda(request: LambdaRequest, io: BenchIo): Promise<LambdaResults> {
  const program = await findLambdaRuntimeClient();
  if (program === undefined) {
    const build = "SOFTGATE_LAMBDA_CLIENT=build npm run bench -- lambda";
    throw new BenchError("missing_files", `AWS's runtime client is not on this machine. Build it: ${build}`);
  }
  const folder = await assemble(request);
  const { backbone } = request.backbone;
  const published = { storeUrl: request.store.url, backbone, count: 1 };
  const [tenant] = await publishTenants(published, () => undefined);
  if (!tenant) throw new Error("invariant: a tenant was published");
  const lambda = { program, folder, handler: "index.handler", env: environmentOf(request, folder) };
  const times: Times = { init: [], first: [], warm: [] };
  let residentMegabytes: number | null = null;
  for (let round = 0; round < request.rounds; round += 1) {
    io.stderr(`Start ${round + 1} of ${request.rounds}\n`);
    residentMegabytes = await measureStart(lambda, { request, tenant, times });
  }
  return {
    initMs: summarize(times.init),
    firstAnswerMs: summarize(times.first),
    warmMs: summarize(times.warm),
    residentMegabytes,
  };
}

/** One process and its requests. Its memory at the end, in megabytes. */
async function measureStart(
  lambda: LambdaFunctionOptions,
  { request, tenant, times }: { request: LambdaRequest; tenant: Tenant; times: Times },
): Promise<number | null> {
  const startedMs = performance.now();
  const started = await startLambdaFunction(lambda);
  try {
    await started.started;
    times.init.push(performance.now() - startedMs);
    for (let index = 0; index <= request.warmRequests; index += 1) {
      const inputs = [request.texts[index % request.texts.length]];
      const body = JSON.stringify({ adapterId: ADAPTER_NAME, inputs });
      const event = await readLambdaEvent("function-url", { key: tenant.secret, body });
      const askedMs = performance.now();
      requireAnswered((await started.invoke(event)).chunks);
      if (index === 0) times.first.push(performance.now() - startedMs);
      else times.warm.push(performance.now() - askedMs);
    }
    return await residentOf(started.pid);
  } finally {
    await started.stop();
  }
}

/** For this machine's processor. The folder of the function. */
async function assemble({ idOrFolder, store }: LambdaRequest): Promise<string> {
  const architecture = process.arch === "arm64" ? "arm64" : "x64";
  const options = [
    "--architecture",
    architecture,
    "--out",
    store.folder,
    "--backbone",
    idOrFolder,
    "--folder-only",
  ];
  await promisify(execFile)(process.execPath, [ASSEMBLE, ...options]);
  return join(store.folder, "function");
}

function environmentOf({ store, backbone }: LambdaRequest, folder: string): Record<string, string> {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = process.env;
  return {
    SOFTGATE_CACHE: folder,
    SOFTGATE_BACKBONE: backbone.id,
    SOFTGATE_STORE: store.url,
    SOFTGATE_ADAPTER_FOLDER: join(store.folder, "adapters"),
    ...(AWS_ACCESS_KEY_ID !== undefined && { AWS_ACCESS_KEY_ID }),
    ...(AWS_SECRET_ACCESS_KEY !== undefined && { AWS_SECRET_ACCESS_KEY }),
  };
}

function requireAnswered(chunks: readonly Buffer[]): void {
  const answer = JSON.parse(Buffer.concat(chunks).toString());
  if (answer.statusCode === 200) return;
  throw new BenchError("server_failed", `The function answered ${answer.statusCode}: ${answer.body}`);
}

async function residentOf(pid: number | undefined): Promise<number | null> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) / 1_000;
}
