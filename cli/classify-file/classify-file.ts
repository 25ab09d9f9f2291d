// A file of texts, of any length, → a file with an answer beside each: streamed, with progress, and gone on with after it
// was ended. Rows are answered by one version from the first to the last, whatever aliases do meanwhile.
import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { TextInput } from "#model";
import { type StreamedRow, streamRows } from "#trainer/dataset";
import { TEXTS_AT_ONCE } from "#trainer/evaluate";
import { CliError } from "../errors.ts";
import type { Io } from "../io.ts";
import type { OpenAdapterOptions } from "../open-adapter.ts";
import { type PinnedClassifier, withPinnedClassifier } from "../open-classifier.ts";
import { json } from "../output.ts";
import { bar, createProgressLine } from "../progress-line.ts";
import { type OutputFormat, outputFormat } from "./output-format.ts";
import {
  type Beginning,
  openPartial,
  outputExists,
  type PartialOutput,
  readBeginning,
  removePartial,
} from "./partial-output.ts";

export interface ClassifyFileOptions extends OpenAdapterOptions {
  readonly input: string;
  readonly output: string;
  readonly textColumn?: string;
  readonly textPairColumn?: string;
  readonly columnPrefix: string;
  readonly allScores?: boolean;
  readonly overwrite?: boolean;
  readonly restart?: boolean;
}

interface Told {
  readonly rows: number;
  /** That were there before this run. */
  readonly rowsBefore: number;
  readonly withoutText: number;
  readonly firstWithoutText?: number;
}

/** Throws CliError, TrainerError of the input, and what classifying does; what was written is gone on with next time. */
export async function classifyFile(options: ClassifyFileOptions, io: Io): Promise<void> {
  const { output } = options;
  if (existsSync(output) && !options.overwrite) throw outputExists(output);
  const input = await describeInput(options.input);
  if (options.restart) await removePartial(output);
  const before = await readBeginning(output);
  await withPinnedClassifier(
    { ...options, adapter: adapterIdOf(options, before) },
    io,
    async (classifier) => {
      const { name, version, digest } = classifier;
      const labels = options.allScores ? { labels: classifier.labels } : {};
      const format = outputFormat(output, { columnPrefix: options.columnPrefix, ...labels });
      const identity = { adapterId: options.adapter, name, version, digest, input };
      const now = { ...identity, options: optionsOf(options), processId: process.pid };
      const { hasQuotes } = format;
      const partial = await openPartial(output, {
        before,
        now,
        hasQuotes,
        overwrites: options.overwrite === true,
      });
      try {
        const told = await writeAnswers({ classifier, format, partial, bytes: input.bytes }, options, io);
        await partial.finish();
        tell(told, { options, adapterId: `${name}:${version}` }, io);
      } finally {
        await partial.close();
      }
    },
  );
}

/** The version that was begun with, although the alias may have moved. */
function adapterIdOf({ adapter }: ClassifyFileOptions, before: Beginning | undefined): string {
  return before?.adapterId === adapter ? `${before.name}:${before.version}` : adapter;
}

async function describeInput(path: string): Promise<Beginning["input"]> {
  try {
    const { size, mtimeMs } = await stat(path);
    return { path: resolve(path), bytes: size, modifiedMs: mtimeMs };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError("file_unreadable", `${path} cannot be read (${reason}).`, cause);
  }
}

function optionsOf({ textColumn, textPairColumn, columnPrefix, allScores = false }: ClassifyFileOptions) {
  return { textColumn, textPairColumn, columnPrefix, allScores };
}

interface Work {
  readonly classifier: PinnedClassifier;
  readonly format: OutputFormat;
  readonly partial: PartialOutput;
  /** Of the input. */
  readonly bytes: number;
}

async function writeAnswers(work: Work, options: ClassifyFileOptions, io: Io): Promise<Told> {
  const { partial, format } = work;
  const progress = createProgressLine(io, { silent: options.json === true });
  let [rows, bytesRead, withoutText] = [0, 0, 0];
  let firstWithoutText: number | undefined;
  const startedMs = io.now();
  const source = streamRows(options.input, {
    columns: columnsOf(options),
    onBytes: (bytes) => {
      bytesRead += bytes;
    },
  });
  const show = () => {
    const seconds = Math.max(1, (io.now() - startedMs) / 1_000);
    const pace = Math.round((rows - partial.rowsBefore) / seconds);
    progress.show(
      "Classifying",
      `${bar(bytesRead / work.bytes)}  ${rows} rows, ${Math.max(0, pace)} a second`,
    );
  };
  try {
    for await (const chunk of chunksOf(source)) {
      if (rows === 0) {
        const [first] = chunk;
        const header = first ? format.header(first) : "";
        if (!partial.hasBegun) await partial.write(header);
      }
      const left = chunk.slice(Math.max(0, partial.rowsBefore - rows));
      const answered = await answer(work.classifier, left, options);
      for (const { row, prediction } of answered) {
        if (prediction) continue;
        withoutText += 1;
        firstWithoutText ??= row.row;
      }
      await partial.write(answered.map((one) => format.record(one)).join(""));
      rows += chunk.length;
      requireGoingOn(io, rows, options);
      show();
    }
  } finally {
    progress.clear();
  }
  return {
    rows,
    rowsBefore: partial.rowsBefore,
    withoutText,
    ...(firstWithoutText !== undefined && { firstWithoutText }),
  };
}

function columnsOf({ textColumn, textPairColumn }: ClassifyFileOptions) {
  return {
    ...(textColumn !== undefined && { text: textColumn }),
    ...(textPairColumn !== undefined && { textPair: textPairColumn }),
  };
}

function requireGoingOn(io: Io, rows: number, { output }: ClassifyFileOptions): void {
  if (!io.signal.aborted) return;
  io.stderr(`${rows} rows are in ${output}.partial. The same command goes on from there.\n`);
  throw new CliError("interrupted", "Interrupted.");
}

async function answer(
  classifier: PinnedClassifier,
  rows: readonly StreamedRow[],
  { allScores }: ClassifyFileOptions,
) {
  const inputs = rows.map(inputOf);
  const topK = allScores ? classifier.labels.length : 1;
  const predictions = await classifier.classify(
    inputs.filter((input) => input !== undefined),
    topK,
  );
  let next = 0;
  return rows.map((row, index) => ({
    row,
    prediction: inputs[index] === undefined ? undefined : predictions[next++],
  }));
}

/** Undefined of a row without a text. */
function inputOf({ text, textPair }: StreamedRow): TextInput | undefined {
  if (text.trim() === "" || textPair?.trim() === "") return undefined;
  return textPair === undefined ? text : { text, textPair };
}

async function* chunksOf(rows: AsyncIterable<StreamedRow>): AsyncGenerator<StreamedRow[]> {
  let chunk: StreamedRow[] = [];
  for await (const row of rows) {
    chunk.push(row);
    if (chunk.length < TEXTS_AT_ONCE) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

function tell(
  told: Told,
  { options: { output, json: asJson }, adapterId }: { options: ClassifyFileOptions; adapterId: string },
  io: Io,
): void {
  if (asJson) {
    io.stdout(json({ output, adapterId, ...told }));
    return;
  }
  if (told.withoutText > 0) {
    io.stderr(
      `warning: ${told.withoutText} rows have no text, first row ${told.firstWithoutText}: they have no label.\n`,
    );
  }
  const before = told.rowsBefore > 0 ? `, ${told.rowsBefore} of them before` : "";
  io.stdout(`${output}: ${told.rows} rows answered by ${adapterId}${before}.\n`);
}
