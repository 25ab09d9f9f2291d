// npm run bench -- serve
import { Command, InvalidArgumentError } from "commander";
import type { BenchIo } from "../io.ts";
import { openBackbone } from "../open-backbone.ts";
import { nameList, type SharedOptions, wholeNumber, withShared } from "../options.ts";
import { printDocument } from "../print-document.ts";
import { targetLine, textTable, whole } from "../text-table.ts";
import { measureServing, type ServeRatio, type ServeResults } from "./measure-serving.ts";
import { readTexts, TEXTS_TEXT } from "./read-texts.ts";
import { adapterShape } from "./resident-adapters.ts";
import { SERVE_PEERS, type ServePeer } from "./serve-peers.ts";
import { PASS_TOKENS } from "./side-by-side.ts";

interface ServeOptions extends SharedOptions {
  readonly texts?: string;
  readonly peers: readonly ServePeer[];
  readonly batch: number;
  readonly resident: number;
  readonly rounds: number;
  readonly warmUp: number;
}

export function serveCommand(io: BenchIo): Command {
  const command = new Command("serve")
    .description("text tokens per second of one batch of many adapters, against the bare backbone")
    .option("--texts <path>", TEXTS_TEXT)
    .option("--peers <names>", `others to measure beside: ${SERVE_PEERS.join(", ")}`, peerList, [])
    .option("--batch <n>", "texts of the batch, each of another adapter", wholeNumber(1, 512), 64)
    .option("--resident <n>", "adapters in memory for the case with many", wholeNumber(1, 20_000), 1_000)
    .option("--rounds <n>", "rounds that are measured; each runs every case once", wholeNumber(1, 10_000), 15)
    .option("--warm-up <n>", "rounds before those, not measured", wholeNumber(0, 1_000), 3)
    .addHelpText("after", HELP);
  return withShared(command, "write the JSON document to this file too").action((options: ServeOptions) =>
    serve(options, io),
  );
}

async function serve(options: ServeOptions, io: BenchIo): Promise<void> {
  const { batch, resident: residentCount, rounds, warmUp, threads, peers } = options;
  const texts = await readTexts(options.texts, batch);
  const opened = await openBackbone(options.backbone, io);
  const { id, backbone } = opened;
  const results = await measureServing({
    ...{ backbone: opened, texts, residentCount, threads, warmUp, rounds, peers, io },
  });
  const settings = {
    backbone: { id, digest: backbone.digest },
    ...{
      texts: texts.source,
      batch,
      resident: residentCount,
      rounds,
      warmUp,
      threads,
      peers,
      passTokens: PASS_TOKENS,
    },
    adapters: adapterShape(backbone.config),
  };
  await printDocument({ benchmark: "serve", settings, results, text: describe(results) }, options, io);
}

function peerList(text: string): ServePeer[] {
  return nameList(text).map((name) => {
    const peer = SERVE_PEERS.find((known) => known === name);
    if (peer) return peer;
    throw new InvalidArgumentError(`${name} is no peer. Name some of ${SERVE_PEERS.join(", ")}.`);
  });
}

function describe({ texts, textTokens, cases, ratios, positions, residentBytes }: ServeResults): string {
  const rows = cases.map(
    ({ case: name, milliseconds, tokensPerSecond, textsPerSecond, ofBare, description }) => [
      `${name.padEnd(12)} ${description}`,
      milliseconds.median.toFixed(1),
      `${milliseconds.lowerQuartile.toFixed(1)}-${milliseconds.upperQuartile.toFixed(1)}`,
      whole(tokensPerSecond),
      whole(textsPerSecond),
      ofBare.median.toFixed(3),
      `${ofBare.lowerQuartile.toFixed(3)}-${ofBare.upperQuartile.toFixed(3)}`,
    ],
  );
  return (
    `One batch of ${texts} texts, ${textTokens} tokens; medians of the rounds, and the middle half of them.\n` +
    `Packed into ${whole(positions)} positions, prompts beside them. ` +
    `Resident adapters: ${whole(residentBytes / 1e6)} MB.\n\n` +
    `${textTable([["CASE", "MS", "MIDDLE HALF", "TOKENS/S", "TEXTS/S", "OF BARE", "MIDDLE HALF"], ...rows])}\n` +
    ratios.map(describeRatio).join("")
  );
}

function describeRatio({ of, to, value, fastest, target, met }: ServeRatio): string {
  const figure = `${value.toFixed(3)} (of the fastest rounds ${fastest.toFixed(3)})`;
  return targetLine(`${of} / ${to}`, figure, target.toFixed(2), met);
}

const HELP = `
Cases, each warm (run once untimed, then timed), interleaved round by round, packing included in each:
  bare       the frozen encoder alone, texts packed the same way, no prompts inserted
  mixed      each text by another tenant's adapter of plain SPT's default shape, prompt layers drawn at random
  scales     each text by another tenant's adapter of scales and shifts at every layer
  updates    each text by another tenant's adapter of scales, shifts and low-rank updates at every layer
  single     all texts by one adapter
  resident   as mixed, while --resident adapters are in memory
  …Int8      the same with the backbone in int8
  classify   as mixed, through Classifier.classify, in the precision it chooses: tokenizer, queue and head included
  transformers_js   with --peers: @huggingface/transformers in Node, fp32, feature extraction and a head each
  peft       with --peers: PyTorch and PEFT, one mixed batch of LoRA adapters of rank 8, fp32
OF BARE is the ratio of text tokens/s within one round, to bare in fp32; the prompts' own positions count as
cost only, so it is lower the shorter the texts are. Adapters have random weights: that changes no time.
`;
