// The texts of the measured batch: as many as asked for, taken in order, from the start again when they run out.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { TextInput } from "#model";
import { BenchError } from "../errors.ts";
import { readBytes, readDataset } from "../read-dataset.ts";
import { SENTENCES } from "./sentences.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/support-tickets/test.csv", import.meta.url));

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
  if (file !== undefined) return { inputs: await textsOf(file), source: file };
  if (!existsSync(EXAMPLE)) return { inputs: SENTENCES, source: "built-in sentences" };
  return { inputs: await textsOf(EXAMPLE), source: "examples/support-tickets/test.csv" };
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
