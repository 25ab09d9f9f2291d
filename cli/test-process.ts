// For tests: softgate as a process of its own, as users start it. What it printed can be read back.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { vi } from "vitest";

export interface SoftgateProcess {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Both, as they came. */
  readonly printed: { readonly text: string };
  /** Its code and signal, when it ends. */
  readonly ended: Promise<unknown[]>;
}

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

/** Kill it when the test is over. `main`: of one that was built. */
export function startSoftgate(
  args: readonly string[],
  env: Record<string, string>,
  main = MAIN,
): SoftgateProcess {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const printed = { text: "", stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].on("data", (chunk: Buffer) => {
      printed.text += chunk.toString();
      printed[name] += chunk.toString();
    });
  }
  return {
    ...{ child, printed, ended: once(child, "exit") },
    stdout: () => printed.stdout,
    stderr: () => printed.stderr,
  };
}

/** The address that a server prints once it serves. */
export async function urlOf({ stdout }: SoftgateProcess, timeoutMs: number): Promise<string> {
  const [url] = await vi.waitUntil(() => /http:\/\/[\d.]+:\d+/.exec(stdout()), {
    timeout: timeoutMs,
    interval: 20,
  });
  return url;
}
