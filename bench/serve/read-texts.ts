// The texts of the measured batch: as many as asked for, taken in order, from the start again when they run out.
import { existsSync, statSync } from "node:fs";
import { glob } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TextInput } from "#model";
import { BenchError } from "../errors.ts";
import { readBytes, readDataset } from "../read-dataset.ts";
import { SENTENCES } from "./sentences.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/support-tickets/test.csv", import.meta.url));

/** Of --texts. */
export const TEXTS_TEXT =
  "one text per line, a .csv or .ndjson dataset, or a folder of <task>/test.csv (default: the example's test file)";

export interface BatchTexts {
  readonly inputs: readonly TextInput[];
  /** Where they come from, for the settings. */
  readonly source: string;
}

/** Throws BenchError missing_files. */
export async function readTexts(file: string | undefined, count: number): Promise<BatchTexts> {
  const { inputs, source } = await findTexts(file);
  const [first] = inputs;
  if (first === undefined)
    throw new BenchError("missing_files", `${source} holds no text. Give one per line.`);
  const at = (index: number) => inputs[index % inputs.length] ?? first;
  return { inputs: Array.from({ length: count }, (_, index) => at(index)), source };
}

async function findTexts(file: string | undefined): Promise<BatchTexts> {
  if (file !== undefined && statSync(file, { throwIfNoEntry: false })?.isDirectory())
    return textsOfTasks(file);
  if (file !== undefined) return { inputs: await textsOf(file), source: file };
  if (!existsSync(EXAMPLE)) return { inputs: SENTENCES, source: "built-in sentences" };
  return { inputs: await textsOf(EXAMPLE), source: "examples/support-tickets/test.csv" };
}

/** Single texts of every <task>/test.csv, one of each task in turn: lengths as they are in many tenants' traffic. */
async function textsOfTasks(folder: string): Promise<BatchTexts> {
  const files: string[] = [];
  for await (const file of glob(join(folder, "*", "test.csv"))) files.push(file);
  const read = await Promise.all(files.toSorted().map(textsOf));
  const tasks = read.filter(([first]) => typeof first === "string");
  const rows = Math.max(0, ...tasks.map(({ length }) => length));
  const inputs = Array.from({ length: rows }, (_, row) => tasks.flatMap((task) => task[row] ?? [])).flat();
  return { inputs, source: `${tasks.length} test files, a text of each in turn` };
}

async function textsOf(file: string): Promise<TextInput[]> {
  const remedy = "Give --texts a file with one text per line, or a .csv or .ndjson dataset.";
  if (/\.(csv|ndjson|jsonl)$/i.test(file)) {
    const { dataset } = await readDataset(file, { forTraining: false, remedy });
    return dataset.examples.map(({ input }) => input);
  }
  const lines = new TextDecoder().decode(await readBytes(file, remedy)).split(/\r?\n/);
  return lines.filter((line) => line.trim() !== "");
}
