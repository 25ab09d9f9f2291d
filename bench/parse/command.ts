// npm run bench -- parse
import { Command } from "commander";
import { DATASET_ROWS_MAX, LABELS_MAX } from "#trainer/dataset";
import type { BenchIo } from "../io.ts";
import { wholeNumber } from "../options.ts";
import { printDocument } from "../print-document.ts";
import { textTable, whole } from "../text-table.ts";
import { measureFile, measureMadeUp, type ParseResult } from "./measure-parsing.ts";

interface ParseCommandOptions {
  readonly rows: number;
  readonly labels: number;
  readonly data?: string;
  readonly json?: true;
  readonly out?: string;
}

export function parseCommand(io: BenchIo): Command {
  return new Command("parse")
    .description("peak memory of a process that parses a dataset")
    .option("--rows <n>", "of the made-up files", wholeNumber(1, DATASET_ROWS_MAX), DATASET_ROWS_MAX)
    .option("--labels <n>", "of the made-up files", wholeNumber(2, LABELS_MAX), LABELS_MAX)
    .option("--data <file>", "this file in place of made-up ones")
    .option("--json", "print one JSON document instead of a table")
    .option("--out <file>", "write the JSON document to this file too")
    .addHelpText("after", HELP)
    .action((options: ParseCommandOptions) => measure(options, io));
}

async function measure(options: ParseCommandOptions, io: BenchIo): Promise<void> {
  const { rows, labels, data } = options;
  const results =
    data === undefined ? await measureMadeUp({ rows, labels }, io) : [await measureFile(data, io)];
  const settings = data === undefined ? { rows, labels } : { data };
  await printDocument({ benchmark: "parse", settings, results, text: describe(results) }, options, io);
}

function describe(results: readonly ParseResult[]): string {
  const rows = results.map((result) => [
    result.mediaType,
    whole(result.rows),
    whole(result.labels),
    ...[result.bytes, result.startBytes, result.peakBytes].map((bytes) => whole(bytes / 2 ** 20)),
  ]);
  return textTable([["FORMAT", "ROWS", "LABELS", "FILE MIB", "START MIB", "PEAK MIB"], ...rows]);
}

const HELP = `
The peak is of all that is resident: Node and the code (the start), the bytes of the file, its examples, and what
the collector had not yet freed.
`;
