// A method of others, in Python: bench/peers/run_peer.py as a child of this process. What it imports is
// installed once, apart from any Python of the user's:
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
import { z } from "zod";
import { backboneCacheFolder } from "#registry/backbones";
import { BenchError } from "../errors.ts";
import type { BenchIo } from "../io.ts";
import type { Peer } from "./cell.ts";
import type { LabelWords } from "./label-words.ts";
import type { TaskFiles } from "./read-task.ts";

const REQUIREMENTS = fileURLToPath(new URL("../peers/requirements.txt", import.meta.url));
const SCRIPT = fileURLToPath(new URL("../peers/run_peer.py", import.meta.url));
const IS_WINDOWS = process.platform === "win32";
/** The trainer's default. Splits differ by their examples. */
const SEED = 0;

export interface PeerRequest {
  readonly method: Peer;
  /** Holds config.json, tokenizer.json and model.safetensors. */
  readonly backboneFolder: string;
  readonly files: TaskFiles;
  /** Of the task, where the backbone predicts words; for the peers that fine-tune by them. */
  readonly words?: LabelWords | undefined;
  readonly testRowsMax: number;
  /** 0 lets torch choose. */
  readonly threads: number;
  readonly io: BenchIo;
}

const resultSchema = z.object({
  accuracy: z.number().min(0).max(1),
  macroF1: z.number().min(0).max(1),
  /** Rows of the test file that were classified. */
  n: z.int().min(1),
  /** Of the training with the choice of the learning rate; imports, loading and the test are not in it. */
  seconds: z.number().min(0),
});

export type PeerResult = z.infer<typeof resultSchema>;

/** Installs what peers need when it is missing. Throws BenchError peer_failed. */
export async function runPeer(request: PeerRequest): Promise<PeerResult> {
  const { method, backboneFolder, files, words, testRowsMax, threads, io } = request;
  const python = await preparePython(io);
  const args = [
    ...["--method", method, "--backbone", backboneFolder],
    ...["--train", files.train, "--validation", files.validation, "--test", files.test],
    ...(words && method === "full_fine_tuning" ? wordArguments(words) : []),
    ...["--test-rows-max", `${testRowsMax}`, "--threads", `${threads}`, "--seed", `${SEED}`],
  ];
  const lines: string[] = [];
  await runPython({
    python,
    args: [SCRIPT, ...args],
    subject: `${files.task} ${files.seed} ${method}`,
    onLine: (line) => lines.push(line),
    io,
  });
  return parsePeerLine(lines);
}

function wordArguments({ template, labelWords }: LabelWords): string[] {
  return ["--template", template, "--label-words", JSON.stringify(labelWords)];
}

/** Of all that a peer printed to stdout: its one line. Throws BenchError peer_failed. */
export function parsePeerLine(lines: readonly string[]): PeerResult {
  try {
    if (lines.length !== 1) throw new Error(`${lines.length} lines where one is expected`);
    return resultSchema.parse(JSON.parse(lines[0] ?? ""));
  } catch (cause) {
    throw new BenchError(
      "peer_failed",
      `The peer printed ${JSON.stringify(lines.join("\n").slice(0, 200))} and no result. See its messages above; ${SCRIPT} is what printed it.`,
      cause,
    );
  }
}

/** The interpreter of the virtual environment. Not for two first runs at once. */
async function preparePython(io: BenchIo): Promise<string> {
  const requirements = await readFile(REQUIREMENTS);
  const name = createHash("sha256").update(requirements).digest("hex");
  const folder = join(dirname(backboneCacheFolder()), "peers", name);
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

interface PythonRun {
  readonly python: string;
  readonly args: readonly string[];
  /** What is under way, for messages. */
  readonly subject: string;
  /** Called with each line of stdout. */
  readonly onLine: (line: string) => void;
  /** Takes the child's stderr as it is. */
  readonly io: BenchIo;
}

async function runPython({ python, args, subject, onLine, io }: PythonRun): Promise<void> {
  const child = spawn(python, args, { stdio: ["ignore", "pipe", "pipe"] });
  createInterface({ input: child.stdout }).on("line", onLine);
  child.stderr.setEncoding("utf8").on("data", io.stderr);
  const ending = await new Promise<string>((resolve, reject) => {
    child.on("error", (cause) => reject(failure(subject, `${python} cannot be started`, cause)));
    child.on("close", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  if (ending !== "exit code 0") throw failure(subject, `Python ended with ${ending}`);
}

function failure(subject: string, what: string, cause?: unknown): BenchError {
  const remedy =
    "See its messages above. Peers need Python 3.11 or newer with venv and, the first time, a network; or name no peer in --methods.";
  return new BenchError("peer_failed", `${subject}: ${what}. ${remedy}`, cause);
}
