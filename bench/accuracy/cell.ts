// One finished cell of the accuracy table, and the file of JSON lines that makes a long table resumable.
import { appendFile, readFile } from "node:fs/promises";
import { z } from "zod";
import { BenchError } from "../errors.ts";

/** Trained here, and measured unless others are named. */
export const OWN_METHODS = ["softgate", "spt", "logistic_regression"] as const;
/** Trained here without a part, or with a part fixed. */
export const ABLATIONS = [
  "softgate_without_label_names",
  "spt_without_consistency",
  "spt_plain_gates",
  "spt_all_layers",
  "spt_random_layers",
  "spt_first_layer",
  "spt_middle_layer",
  "static_prompts",
] as const;
/** Trained by bench/peers/run_peer.py. */
export const PEERS = ["full_fine_tuning", "lora", "prompt_tuning", "setfit"] as const;
export const METHODS = [...OWN_METHODS, ...ABLATIONS, ...PEERS] as const;
export type OwnMethod = Exclude<Method, Peer>;
/** Own methods that train insertions. */
export type TunedMethod = Exclude<OwnMethod, "logistic_regression">;
export type Peer = (typeof PEERS)[number];
export type Method = (typeof METHODS)[number];

export function isPeer(method: Method): method is Peer {
  return PEERS.some((peer) => peer === method);
}

export function isTuned(method: Method): method is TunedMethod {
  return !isPeer(method) && method !== "logistic_regression";
}

const cellSchema = z.object({
  task: z.string(),
  seed: z.string(),
  method: z.enum(METHODS),
  accuracy: z.number().min(0).max(1),
  macroF1: z.number().min(0).max(1),
  /** Examples of the test file that were classified. */
  n: z.int().min(0),
  /** Of the training; the test is not in it. Null where the machine had other work. */
  seconds: z.number().min(0).nullable(),
  /** Digest of the backbone. */
  backbone: z.string(),
  /** That trained it; absent in lines of ours from the CPU. */
  device: z.string().optional(),
  promptLayers: z.array(z.int()),
  scaleShiftLayers: z.array(z.int()),
  /** Absent in lines from before there were any. */
  lowRankLayers: z.array(z.int()).exactOptional(),
});

export type Cell = z.infer<typeof cellSchema>;
export type CellKey = Pick<Cell, "task" | "seed" | "method" | "n" | "backbone">;

export function isCell(cell: CellKey, key: CellKey): boolean {
  return (
    cell.task === key.task &&
    cell.seed === key.seed &&
    cell.method === key.method &&
    cell.n === key.n &&
    cell.backbone === key.backbone
  );
}

/** None when there is no such file; it is made then. Throws BenchError invalid_results, also for a last line without its end. */
export async function readCells(file: string): Promise<Cell[]> {
  // A file that cannot be written is told before the measuring, not after.
  await appendFile(file, "");
  const lines = (await readFile(file, "utf8")).split("\n");
  const cut = lines.pop();
  const cells = lines.flatMap((line, index) =>
    line === "" ? [] : [parseCell(line, `${file}, line ${index + 1}`)],
  );
  // The next cell must start on a line of its own.
  if (cut) throw cutShort(file, lines.length + 1);
  return cells;
}

/** One write, with the line's end, so that an interruption leaves whole lines. */
export async function appendCell(file: string, cell: Cell): Promise<void> {
  await appendFile(file, `${JSON.stringify(cell)}\n`);
}

function parseCell(line: string, where: string): Cell {
  try {
    return cellSchema.parse(JSON.parse(line));
  } catch (cause) {
    const message = `${where}: not a result of this measurement. Name another --out file, or remove the line.`;
    throw new BenchError("invalid_results", message, cause);
  }
}

function cutShort(file: string, line: number): BenchError {
  return new BenchError(
    "invalid_results",
    `${file}, line ${line}: cut short, it has no line end. Remove it; its cell is then measured again.`,
  );
}
