// A method of others, in Python: bench/peers/run_peer.py as a child of this process.
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { BenchError } from "../errors.ts";
import type { BenchIo } from "../io.ts";
import { preparePython, runPython } from "../python.ts";
import type { Peer } from "./cell.ts";
import type { LabelWords } from "./label-words.ts";
import type { TaskFiles } from "./read-task.ts";

const SCRIPT = fileURLToPath(new URL("../peers/run_peer.py", import.meta.url));
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
