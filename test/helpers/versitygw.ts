// A real S3 server for tests: versitygw, on a free port of this machine, with a folder of its own.
// The bootstrap builds the program once and names it in SOFTGATE_VERSITYGW; without that it is looked
// for, or built, here. Without Go there is none: then tests are skipped, but never in CI.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { freePort } from "./free-port.ts";

export interface TestS3 {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  stop(): Promise<void>;
}

export interface TestVersitygw extends TestS3 {
  /** Known to the server, and allowed nothing. */
  createUser(credentials: { accessKeyId: string; secretAccessKey: string }): Promise<void>;
}

const START_MS_MAX = 15_000;
const POLL_MS = 25;
const ACCESS_KEY = "test-access";
const SECRET_KEY = "test-secret-key";

/** Undefined when there is no program to be had outside of CI. May build for minutes. */
export async function findVersitygw(): Promise<string | undefined> {
  if (process.env.SOFTGATE_VERSITYGW) return process.env.SOFTGATE_VERSITYGW;
  const bootstrap = new URL("../../infra/bootstrap/versitygw.mjs", import.meta.url).href;
  const { startVersitygwBuild }: { startVersitygwBuild: () => Promise<string | undefined> } = await import(
    bootstrap
  );
  return startVersitygwBuild();
}

/** Buckets are folders: those named here exist from the start. */
export async function startVersitygw(program: string, buckets: readonly string[]): Promise<TestVersitygw> {
  const folder = await mkdtemp(join(tmpdir(), "softgate-s3-"));
  for (const bucket of buckets) await mkdir(join(folder, "data", bucket), { recursive: true });
  await mkdir(join(folder, "iam"));
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(
    program,
    [
      "--quiet",
      "--access",
      ACCESS_KEY,
      "--secret",
      SECRET_KEY,
      "--port",
      address,
      "--iam-dir",
      join(folder, "iam"),
      "posix",
      join(folder, "data"),
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const stop = async () => {
    await endChild(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await waitUntilUp(child, `http://${address}`);
  } catch (error) {
    await stop();
    throw error;
  }
  const endpoint = `http://${address}`;
  const createUser: TestVersitygw["createUser"] = async ({ accessKeyId, secretAccessKey }) => {
    const admin = ["admin", "--endpoint-url", endpoint, "--access", ACCESS_KEY, "--secret", SECRET_KEY];
    const user = ["create-user", "--access", accessKeyId, "--secret", secretAccessKey, "--role", "user"];
    await promisify(execFile)(program, [...admin, ...user]);
  };
  return { endpoint, accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY, createUser, stop };
}

async function waitUntilUp(child: ChildProcess, url: string): Promise<void> {
  let words = "";
  let failure: Error | undefined;
  child.stderr?.on("data", (chunk) => {
    words = `${words}${chunk}`.slice(-2_000);
  });
  child.once("error", (error) => {
    failure = error;
  });
  const deadlineMs = performance.now() + START_MS_MAX;
  while (performance.now() < deadlineMs) {
    if (failure || child.exitCode !== null) break;
    // Any answer, also 403, means that it is up.
    const isUp = await fetch(url, { signal: AbortSignal.timeout(1_000) }).then(
      () => true,
      () => false,
    );
    if (isUp) return;
    await setTimeout(POLL_MS);
  }
  throw new Error(`versitygw did not start at ${url}: ${failure?.message ?? words}`);
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}
