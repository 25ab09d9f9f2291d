// softgate classify: texts from the command line, standard input or a file, answered in this process or on a server.
import { Command } from "commander";
import type { Prediction } from "#functions/prediction";
import type { TextInput } from "#model";
import { TEXTS_AT_ONCE } from "#trainer/evaluate";
import { type ClassifyFileOptions, classifyFile } from "../classify-file/classify-file.ts";
import { CliError } from "../errors.ts";
import type { Io } from "../io.ts";
import type { OpenAdapterOptions } from "../open-adapter.ts";
import { withClassifier } from "../open-classifier.ts";
import { wholeNumber, withPlaceOptions } from "../options.ts";
import { json } from "../output.ts";

interface ClassifyOptions extends OpenAdapterOptions {
  readonly topK: number;
  readonly pairs?: boolean;
}

type CommandOptions = ClassifyOptions & Partial<ClassifyFileOptions> & { readonly columnPrefix: string };

export function classifyCommand(io: Io): Command {
  return withPlaceOptions(new Command("classify"), io)
    .description("classify texts with an adapter, in this process or on a server")
    .argument("[text...]", "texts; without any, each line of standard input is one")
    .requiredOption("--adapter <id>", "NAME, NAME@ALIAS or NAME:VERSION")
    .option("--pairs", "each text is a pair, its two texts separated by a tab")
    .option("--top-k <k>", "how many labels to give a text", wholeNumber(1, 1000), 1)
    .option("--input <file>", "of texts, any number: CSV, TSV, JSON lines or Parquet; with --output")
    .option("--output <file>", "CSV, TSV or JSON lines: the input's rows, with label, score and out_of_scope")
    .option("--all-scores", "of a file: the score of each label too")
    .option("--text-column <name>", "of the file: the column of the texts (default: found by usual names)")
    .option("--text-pair-column <name>", "of the file: the column of the second texts of pairs")
    .option("--column-prefix <text>", "of the file: before the names of the columns that are added", "")
    .option("--overwrite", "of the file: replace an output that is there")
    .option("--restart", "of the file: begin anew where a partial output is there")
    .option("--backbone <id>", "id or folder, when it is not the one the adapter names")
    .addHelpText("after", HELP)
    .action((texts: string[], options: CommandOptions) => {
      const { input, output } = options;
      if (input === undefined && output === undefined) return classify(texts, options, io);
      if (input === undefined || output === undefined || texts.length > 0 || options.pairs) {
        throw new CliError(
          "bad_usage",
          "Give --input and --output together, and no texts or --pairs beside them.",
        );
      }
      return classifyFile({ ...options, input, output }, io);
    });
}

async function classify(texts: readonly string[], options: ClassifyOptions, io: Io): Promise<void> {
  if (texts.length === 0 && io.isStdinTerminal) {
    throw new CliError(
      "bad_usage",
      "Give a text, or pipe in lines: softgate classify --adapter ID < texts.txt",
    );
  }
  await withClassifier(options, io, async (classifier) => {
    const predictions: Prediction[] = [];
    for await (const chunk of chunksOf(texts.length > 0 ? texts : io.stdinLines())) {
      const inputs = options.pairs ? chunk.map(pairOf) : chunk;
      const answers = await classifier.classify(inputs, options.topK);
      if (options.json) predictions.push(...answers);
      else io.stdout(answers.map((prediction, index) => lineOf(prediction, chunk[index] ?? "")).join(""));
    }
    if (!options.json) return;
    const { version, digest } = classifier.answeredBy() ?? {};
    io.stdout(json({ adapterId: options.adapter, version, digest, predictions }));
  });
}

function pairOf(line: string): TextInput {
  const [text, textPair, ...rest] = line.split("\t");
  if (text?.trim() && textPair?.trim() && rest.length === 0) return { text, textPair };
  const shown = JSON.stringify(line.length > 60 ? `${line.slice(0, 60)}…` : line);
  throw new CliError("bad_usage", `${shown} is no pair: write two texts with one tab between them.`);
}

/** Lines without a text are passed over. */
async function* chunksOf(texts: Iterable<string> | AsyncIterable<string>): AsyncGenerator<string[]> {
  let chunk: string[] = [];
  for await (const text of texts) {
    if (text.trim() === "") continue;
    chunk.push(text);
    if (chunk.length < TEXTS_AT_ONCE) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

function lineOf({ scores, outOfScope }: Prediction, text: string): string {
  const labels = scores.map(({ label, score }) => `${label}\t${score.toFixed(4)}`).join("\t");
  return `${labels}\t${outOfScope ? "out" : "in"}\t${text.replaceAll(/\s+/g, " ")}\n`;
}

const HELP = `
Prints one line a text, separated by tabs: LABEL, SCORE (with --top-k more of both), SCOPE, TEXT.
SCOPE is "out" where the text seems to be of none of the labels; the label is the best guess all the same.

Examples:
  $ softgate classify --adapter tickets "I was charged twice" --top-k 3
  $ softgate classify --adapter tickets@production < texts.txt > answers.tsv
  $ softgate classify --adapter duplicates --pairs < pairs.tsv
  $ softgate classify --adapter tickets --input tickets.csv --output answers.csv

A file may have any length: it is streamed, and answered by one version. Ended, it leaves OUTPUT.partial, and the same
command goes on from there.
`;
