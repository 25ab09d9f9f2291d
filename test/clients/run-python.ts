// One of the Python programs of this folder, as a child process: JSON in, JSON lines out.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { findPython } from "../helpers/python.ts";

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Undefined where there is no Python to be had. May install for a minute. */
export function findClientsPython(): Promise<string | undefined> {
  return findPython(pathOf("requirements.txt"));
}

/** Rejects with what it wrote to standard error, where it fails. */
export async function runPython<Line>(python: string, program: string, input: unknown): Promise<Line[]> {
  const child = spawn(python, [pathOf(program)], {
    // No other server than ours is asked, nothing of the user's is read.
    env: { HF_HUB_OFFLINE: "0", HF_HUB_DISABLE_TELEMETRY: "1", PYTHONPATH: pathOf("../../clients/python") },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.end(JSON.stringify(input));
  const [out, err] = [child.stdout.toArray(), child.stderr.toArray()];
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(Buffer.concat(await err).toString());
  const lines = Buffer.concat(await out)
    .toString()
    .trim();
  return lines === "" ? [] : lines.split("\n").map((line) => JSON.parse(line));
}
