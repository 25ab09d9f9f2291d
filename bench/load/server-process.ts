// `softgate serve` as a child process, as a user runs it.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { BenchError } from "../errors.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const START_MS_MAX = 120_000;
const LOG_CHARACTERS_MAX = 2_000;

export interface ServerProcess {
  readonly url: string;
  /** Where it serves metrics; absent unless `args` asked for it. */
  readonly metricsUrl: string | undefined;
  /** Of its log: milliseconds from the start of its process until its program and its session were loaded. */
  readonly startMs: z.infer<typeof startLogSchema>["startMs"];
  /** Megabytes of memory in use; absent where the system does not tell. */
  residentMegabytes(): number | undefined;
  /** Ends it as a user would, and waits. */
  close(): Promise<void>;
}

/** Throws BenchError server_failed when it does not start. */
export async function startServerProcess({
  storeUrl,
  backboneFolder,
  threads,
  args: more = [],
  main = MAIN,
}: {
  storeUrl: string;
  backboneFolder: string;
  threads: number;
  /** More of `softgate serve`. */
  args?: readonly string[];
  /** Of a program that was built; default the sources. */
  main?: string;
}): Promise<ServerProcess> {
  const args = ["serve", "--json", "--port", "0", "--store", storeUrl, "--backbone", backboneFolder];
  // With the flags that this process has from the bootstrap, as a user's server has them.
  const flags = process.execArgv;
  const child = spawn(process.execPath, [...flags, main, ...args, "--threads", `${threads}`, ...more], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log = (log + text).slice(-LOG_CHARACTERS_MAX);
  });
  try {
    const { url, metricsUrl } = await readStarted(child);
    return {
      ...{ url, metricsUrl, startMs: startMsOf(log) },
      residentMegabytes: () => residentMegabytes(child.pid),
      close: () => end(child),
    };
  } catch (cause) {
    await end(child);
    throw new BenchError("server_failed", `The server did not start. Its last lines: ${log}`, cause);
  }
}

const startedSchema = z.object({ url: z.url(), metricsUrl: z.url().optional() });

const startLogSchema = z.object({
  event: z.literal("started"),
  startMs: z.object({ program: z.number(), session: z.number(), ready: z.number() }),
});

/** Of the line of its log that says it started, which was written before its address was printed. */
function startMsOf(log: string) {
  const line = log.split("\n").find((text) => text.includes('"event":"started"'));
  return startLogSchema.parse(JSON.parse(line ?? "null")).startMs;
}

/** Of the one document that it prints, over several lines. */
async function readStarted(child: ChildProcess): Promise<z.infer<typeof startedSchema>> {
  if (!child.stdout) throw new Error("invariant: stdout is a pipe");
  const tooLong = setTimeout(() => child.kill("SIGKILL"), START_MS_MAX);
  let text = "";
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      text += line;
      if (line === "}") return startedSchema.parse(JSON.parse(text));
    }
    throw new Error(`It printed ${JSON.stringify(text)} and ended.`);
  } finally {
    clearTimeout(tooLong);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}

function residentMegabytes(pid: number | undefined): number | undefined {
  if (process.platform !== "linux" || pid === undefined) return undefined;
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) / 1000;
}
