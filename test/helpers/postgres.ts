// A real Postgres server for tests, on a free port of 127.0.0.1, with nothing in it. `npm test` says where its programs
// are; as root, which Postgres refuses, it runs as nobody.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";

export interface TestPostgres {
  readonly url: string;
  stop(): Promise<void>;
}

const NOBODY = 65_534;

/** The folder of its programs; undefined where there is none to be had, and then nothing is tested on it. */
export const postgresFolder = process.env.SOFTGATE_POSTGRES || undefined;

export async function startPostgres(programs: string): Promise<TestPostgres> {
  const folder = mkdtempSync(join(tmpdir(), "softgate-postgres-"));
  const isRoot = process.getuid?.() === 0;
  const as = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
  if (isRoot) chownSync(folder, NOBODY, NOBODY);
  const data = join(folder, "data");
  const init = ["-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"];
  execFileSync(join(programs, "initdb"), init, { ...as, cwd: folder, stdio: "ignore" });
  const port = await freePort();
  const settings = ["fsync=off", "listen_addresses=127.0.0.1", `unix_socket_directories=${folder}`];
  const args = ["-D", data, "-p", String(port), ...settings.flatMap((setting) => ["-c", setting])];
  const server = spawn(join(programs, "postgres"), args, {
    ...as,
    cwd: folder,
    stdio: ["ignore", "ignore", "pipe"],
  });
  await untilReady(server);
  const stop = async () => {
    const ended = once(server, "exit");
    server.kill("SIGQUIT"); // At once, whoever is connected.
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  return { url: `postgres://postgres@127.0.0.1:${port}/postgres`, stop };
}

async function untilReady({ stderr, ...server }: ChildProcess): Promise<void> {
  if (!stderr) throw new Error("invariant: no stderr");
  let text = "";
  for await (const chunk of stderr) {
    text += String(chunk);
    if (!text.includes("ready to accept connections")) continue;
    stderr.resume();
    return;
  }
  throw new Error(`Postgres ended (${server.exitCode}): ${text}`);
}
