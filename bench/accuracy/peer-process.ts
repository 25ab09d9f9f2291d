// Methods of others, in Python: bench/peers/run_peer.py as a child of this process, one for all cells.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { DeviceChoice } from "#model";
import { BenchError } from "../errors.ts";
import type { BenchIo } from "../io.ts";
import { startLineProcess } from "../line-process.ts";
import { PYTHON_REMEDY, preparePython } from "../python.ts";
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
}

const resultSchema = z.object({
  accuracy: z.number().min(0).max(1),
  macroF1: z.number().min(0).max(1),
  /** Rows of the test file that were classified. */
  n: z.int().min(1),
  /** Of the training with the choice of the learning rate; imports, loading and the test are not in it. */
  seconds: z.number().min(0),
  /** That trained: "cpu", or "cuda" with the card, and PyTorch's version. */
  device: z.string(),
});

export type PeerResult = z.infer<typeof resultSchema>;

export interface PeerProcess {
  /** One at a time. Throws BenchError peer_failed; no other call then. */
  measure(request: PeerRequest): Promise<PeerResult>;
  close(): Promise<void>;
}

export interface PeerProcessOptions {
  /** webgpu, which PyTorch has not, is refused; auto is the CPU. */
  readonly device: DeviceChoice;
  /** 0 lets torch choose. */
  readonly threads: number;
  /** Of the user's, with packages of the user's versions; else one is installed. */
  readonly python?: string | undefined;
}

/** Installs what peers need when it is missing. Throws BenchError peer_failed. */
export async function startPeers(
  { device, threads, python: given }: PeerProcessOptions,
  io: BenchIo,
): Promise<PeerProcess> {
  if (device === "webgpu") throw new BenchError("peer_failed", NO_WEBGPU);
  const python = given ?? (await preparePython(io));
  const args = [SCRIPT, `--device=${device === "cuda" ? "cuda" : "cpu"}`, `--threads=${threads}`];
  const { send, next, close } = startLineProcess(python, args, io);
  return {
    async measure(request) {
      send(JSON.stringify(lineOf(request)));
      return parsePeerLine(await next());
    },
    close,
  };
}

const NO_WEBGPU =
  "Peers train by PyTorch, which has no webgpu. Name --device cpu or cuda, or no peer in --methods.";

function lineOf({ method, backboneFolder, files, words, testRowsMax }: PeerRequest) {
  const byWords = method === "full_fine_tuning" ? words : undefined;
  return {
    ...{ method, backbone: backboneFolder, train: files.train, test: files.test, testRowsMax, seed: SEED },
    validation: existsSync(files.validation) ? files.validation : null,
    template: byWords?.template ?? null,
    labelWords: byWords?.labelWords ?? {},
  };
}

/** Of the peers' stdout. Undefined where it ended instead. Throws BenchError peer_failed. */
export function parsePeerLine(line: string | undefined): PeerResult {
  if (line === undefined) {
    throw new BenchError(
      "peer_failed",
      `Python ended before its result. See its messages above. ${PYTHON_REMEDY}`,
    );
  }
  try {
    return resultSchema.parse(JSON.parse(line));
  } catch (cause) {
    throw new BenchError(
      "peer_failed",
      `The peer printed ${JSON.stringify(line.slice(0, 200))} and no result. See its messages above; ${SCRIPT} is what printed it.`,
      cause,
    );
  }
}
