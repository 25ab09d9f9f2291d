// For tests: publisher.ts as a process of its own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Acknowledged, PublisherOptions } from "./publisher.ts";

export interface Publisher {
  readonly kill: () => void;
  /** Rejects where it ends by itself and not well. */
  readonly ended: Promise<{ acknowledged: Acknowledged[]; isKilled: boolean }>;
}

export function startPublisher(options: PublisherOptions, env: Record<string, string> = {}): Publisher {
  const script = fileURLToPath(new URL("publisher.ts", import.meta.url));
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", script, JSON.stringify(options)],
    {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const words = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].on("data", (chunk: Buffer) => {
      words[name] += chunk.toString();
    });
  }
  const end = async () => {
    const [code, signal] = await once(child, "close");
    if (code !== 0 && signal !== "SIGKILL")
      throw new Error(`the publisher ended with ${code}: ${words.stderr}`);
    // A line that was cut off is no answer.
    const lines = words.stdout.split("\n").slice(0, -1);
    return { acknowledged: lines.map((line) => JSON.parse(line) as Acknowledged), isKilled: code !== 0 };
  };
  return { kill: () => void child.kill("SIGKILL"), ended: end() };
}
