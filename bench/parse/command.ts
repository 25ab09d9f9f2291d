// npm run bench -- parse
import { Command } from "commander";
import { DATASET_ROWS_MAX, LABELS_MAX } from "#trainer/dataset";
import type { BenchIo } from "../io.ts";
import { wholeNumber } from "../options.ts";
import { printDocument } from "../print-document.ts";
import { textTable, whole } from "../text-table.ts";
import { measureFile, measureMadeUp, type ParseResult } from "./measure-parsing.ts";

/** A million rows of 20 to 40 words are 200 MB; of 100 to 200, a GB. */
const WORDS = 20;

interface ParseCommandOptions {
  readonly rows: number;
  readonly labels: number;
  readonly words: number;
  readonly data?: string;
  readonly json?: true;
  readonly out?: string;
}

export function parseCommand(io: BenchIo): Command {
  return new Command("parse")
    .description("peak memory of a process that reads a dataset as a server and a trainer do")
    .option("--rows <n>", "of the made-up files", wholeNumber(1, DATASET_ROWS_MAX), DATASET_ROWS_MAX)
    .option("--labels <n>", "of the made-up files", wholeNumber(2, LABELS_MAX), LABELS_MAX)
    .option("--words <n>", "of the shortest text; the longest has twice as many", wholeNumber(1, 200), WORDS)
    .option("--data <file>", "this file in place of made-up ones")
    .option("--json", "print one JSON document instead of a table")
    .option("--out <file>", "write the JSON document to this file too")
    .addHelpText("after", HELP)
    .action((options: ParseCommandOptions) => measure(options, io));
}

async function measure(options: ParseCommandOptions, io: BenchIo): Promise<void> {
  const { rows, labels, words, data } = options;
  const size = { rows, labels, words };
  const results = data === undefined ? await measureMadeUp(size, io) : await measureFile(data, io);
  const settings = data === undefined ? size : { data };
  await printDocument({ benchmark: "parse", settings, results, text: describe(results) }, options, io);
}

function describe(results: readonly ParseResult[]): string {
  const rows = results.map((result) => [
    `${result.mediaType}, ${result.reader}`,
    ...[whole(result.rows), whole(result.labels), whole(result.examples)],
    ...[result.bytes, result.startBytes, result.peakBytes].map((bytes) => whole(bytes / 2 ** 20)),
  ]);
  return textTable([
    ["FORMAT AND READER", "ROWS", "LABELS", "TEXTS KEPT", "FILE MIB", "START MIB", "PEAK MIB"],
    ...rows,
  ]);
}

const HELP = `
A server looks at all rows and keeps no text; a trainer keeps the examples that it learns from. The peak is of all that
is resident: Node and the code (the start), what is kept of each row, and what the collector had not yet freed.
`;
