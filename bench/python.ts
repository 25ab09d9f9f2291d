// Python for peers. What they import is installed once, apart from any Python of the user's:
//
//   <cache>/peers/<sha256 of requirements.txt>/   a virtual environment
//       complete                                  written last; without it the folder is made anew
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { backboneCacheFolder } from "#registry/backbones";
import { BenchError } from "./errors.ts";
import type { BenchIo } from "./io.ts";

const REQUIREMENTS = fileURLToPath(new URL("./peers/requirements.txt", import.meta.url));
const IS_WINDOWS = process.platform === "win32";

/** Where peers' packages and what is made for them lie. */
export function peersFolder(): string {
  return join(dirname(backboneCacheFolder()), "peers");
}

/** The interpreter of the virtual environment. Not for two first runs at once. */
export async function preparePython(io: BenchIo): Promise<string> {
  const requirements = await readFile(REQUIREMENTS);
  const name = createHash("sha256").update(requirements).digest("hex");
  const folder = join(peersFolder(), name);
  const python = IS_WINDOWS ? join(folder, "Scripts", "python.exe") : join(folder, "bin", "python");
  const complete = join(folder, "complete");
  if (existsSync(complete)) return python;
  await rm(folder, { recursive: true, force: true });
  io.stderr(`Installing what peers need into ${folder}, once\n`);
  const onLine = (line: string) => io.stderr(`${line}\n`);
  const subject = "Installing peers";
  await runPython({
    python: IS_WINDOWS ? "python" : "python3",
    args: ["-m", "venv", folder],
    ...{ subject, onLine, io },
  });
  const pip = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"];
  await runPython({ python, args: [...pip, "-r", REQUIREMENTS], subject, onLine, io });
  await writeFile(complete, "");
  return python;
}

export interface PythonRun {
  readonly python: string;
  readonly args: readonly string[];
  /** What is under way, for messages. */
  readonly subject: string;
  /** Called with each line of stdout. */
  readonly onLine: (line: string) => void;
  /** Takes the child's stderr as it is. */
  readonly io: BenchIo;
}

export async function runPython({ python, args, subject, onLine, io }: PythonRun): Promise<void> {
  const child = spawn(python, args, { stdio: ["ignore", "pipe", "pipe"] });
  createInterface({ input: child.stdout }).on("line", onLine);
  child.stderr.setEncoding("utf8").on("data", io.stderr);
  const ending = await new Promise<string>((resolve, reject) => {
    child.on("error", (cause) => reject(failure(subject, `${python} cannot be started`, cause)));
    child.on("close", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  if (ending !== "exit code 0") throw failure(subject, `Python ended with ${ending}`);
}

export const PYTHON_REMEDY =
  "Peers need Python 3.11 or newer with venv and, the first time, a network; or name no peer in --methods.";

function failure(subject: string, what: string, cause?: unknown): BenchError {
  const message = `${subject}: ${what}. See its messages above. ${PYTHON_REMEDY}`;
  return new BenchError("peer_failed", message, cause);
}
