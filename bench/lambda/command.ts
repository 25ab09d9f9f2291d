// npm run bench -- lambda
import { Command } from "commander";
import type { BenchIo } from "../io.ts";
import { kindOfStore, withBenchStore } from "../load/bench-store.ts";
import { openBackbone } from "../open-backbone.ts";
import { type SharedOptions, wholeNumber, withShared } from "../options.ts";
import { printDocument } from "../print-document.ts";
import { readTexts, TEXTS_TEXT } from "../serve/read-texts.ts";
import type { Summary } from "../statistics.ts";
import { textTable, whole } from "../text-table.ts";
import { type LambdaResults, measureLambda } from "./measure-lambda.ts";

interface LambdaOptions extends SharedOptions {
  readonly texts?: string;
  readonly store: string;
  readonly rounds: number;
  readonly warm: number;
}

const TEXTS_MAX = 10_000;

export function lambdaCommand(io: BenchIo): Command {
  const command = new Command("lambda")
    .description("the AWS Lambda function under AWS's runtime client: cold starts, requests, memory")
    .option("--texts <path>", TEXTS_TEXT)
    .option("--store <kind>", "file: a folder, s3: a real S3 server on this machine", "s3")
    .option("--rounds <n>", "starts", wholeNumber(1, 1_000), 20)
    .option("--warm <n>", "requests after the first, of each start", wholeNumber(1, 10_000), 50)
    .addHelpText("after", HELP);
  return withShared(command, "write the JSON document to this file too").action((options: LambdaOptions) =>
    lambda(options, io),
  );
}

async function lambda(options: LambdaOptions, io: BenchIo): Promise<void> {
  const { rounds, warm: warmRequests, store } = options;
  const { inputs, source } = await readTexts(options.texts, TEXTS_MAX);
  const texts = inputs.map((input) => (typeof input === "string" ? input : input.text));
  const backbone = await openBackbone(options.backbone, io);
  const results = await withBenchStore(store, (opened) =>
    measureLambda({ idOrFolder: options.backbone, backbone, texts, store: opened, rounds, warmRequests }, io),
  );
  const settings = {
    backbone: { id: backbone.id, digest: backbone.backbone.digest },
    ...{ texts: source, rounds, warmRequests, store: kindOfStore(store) },
  };
  await printDocument({ benchmark: "lambda", settings, results, text: describe(results) }, options, io);
}

function describe({ initMs, firstAnswerMs, warmMs, residentMegabytes }: LambdaResults): string {
  const row = (name: string, { median, min, max }: Summary) => [
    name,
    median.toFixed(1),
    `${min.toFixed(1)}-${max.toFixed(1)}`,
  ];
  const table = textTable([
    ["MILLISECONDS", "MEDIAN", "RANGE"],
    row("until it asks for an event", initMs),
    row("until its first answer", firstAnswerMs),
    row("a request after that", warmMs),
  ]);
  return residentMegabytes === null ? table : `${table}\nMemory: ${whole(residentMegabytes)} MB.\n`;
}

const HELP = `
From the start of the process, and through AWS's runtime client (SOFTGATE_LAMBDA_CLIENT=build builds it once): what Lambda
adds to a cold start, fetching the package and starting a machine, is not in it. Cores are those of this machine.
`;
