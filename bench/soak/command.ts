// npm run bench -- soak
import { writeFile } from "node:fs/promises";
import { Command } from "commander";
import type { BenchIo } from "../io.ts";
import { kindOfStore, withBenchStore } from "../load/bench-store.ts";
import { openBackbone } from "../open-backbone.ts";
import { positiveNumber, type SharedOptions, wholeNumber, withShared } from "../options.ts";
import { printDocument } from "../print-document.ts";
import { readTexts } from "../serve/read-texts.ts";
import { textTable, whole } from "../text-table.ts";
import { measureSoak, type SoakResults } from "./measure-soak.ts";
import { plotMemory } from "./memory.ts";

interface SoakOptions extends SharedOptions {
  readonly store: string;
  readonly minutes: number;
  readonly adapters: number;
  readonly perSecond: number;
  readonly changesPerSecond: number;
  readonly plot?: string;
}

/** Each is answered by every version once, for what it must say. */
const TEXTS = 8;

export function soakCommand(io: BenchIo): Command {
  const command = new Command("soak")
    .description("adapters replaced, rolled back, removed and restored under load; every answer is checked")
    .option("--minutes <n>", "of load", positiveNumber(24 * 60), 10)
    .option("--store <kind>", "file, s3 (a real S3 server on this machine), or an empty store's URL", "file")
    .option("--adapters <n>", "each a tenant's", wholeNumber(2, 1_000), 100)
    .option("--per-second <n>", "requests", wholeNumber(1, 10_000), 15)
    .option("--changes-per-second <n>", "of any adapter", wholeNumber(1, 100), 1)
    .option("--plot <file>", "write the server's memory as an SVG plot to this file")
    .addHelpText("after", HELP);
  return withShared(command, "write the JSON document to this file too").action((options: SoakOptions) =>
    soak(options, io),
  );
}

async function soak(options: SoakOptions, io: BenchIo): Promise<void> {
  const { minutes, adapters, perSecond, changesPerSecond, threads } = options;
  const { inputs, source } = await readTexts(undefined, TEXTS);
  const texts = inputs.map((input) => (typeof input === "string" ? input : input.text));
  const backbone = await openBackbone(options.backbone, io);
  const asked = { minutes, adapters, perSecond, changesPerSecond, threads };
  const results = await withBenchStore(options.store, (store) =>
    measureSoak({ backbone, texts, store, ...asked }, io),
  );
  if (options.plot !== undefined && results.memory) {
    await writeFile(options.plot, plotMemory(results.memory.samples));
  }
  const settings = {
    backbone: { id: backbone.id, digest: backbone.backbone.digest },
    ...{ texts: source, ...asked, store: kindOfStore(options.store) },
  };
  await printDocument({ benchmark: "soak", settings, results, text: describe(results) }, options, io);
}

function describe({ answers, lostBecause, changes, latency, memory, targets }: SoakResults): string {
  const counts = (record: Readonly<Record<string, number>>) =>
    Object.entries(record).map(([name, count]) => [name, whole(count)]);
  const first = memory?.samples[0]?.megabytes ?? 0;
  const last = memory?.samples.at(-1)?.megabytes ?? 0;
  return [
    textTable([["ANSWERS", "COUNT"], ...counts(answers)]),
    textTable([["CHANGES", "COUNT"], ...counts(changes)]),
    ...(answers.lost > 0 ? [textTable([["LOST", "COUNT"], ...counts(lostBecause)])] : []),
    `Half were answered within ${latency.p50Ms.toFixed(1)} ms, all but a hundredth within ${latency.p99Ms.toFixed(1)} ms.\n`,
    memory ? `The server's memory: ${whole(first)} MB at first, ${whole(last)} MB at last.\n` : "",
    textTable([
      ["", "REACHED", "TARGET", ""],
      ...targets.map(({ name, value, target, met }) => [
        ...[name, Number(value.toFixed(3)).toString(), target, met ? "met" : "NOT met"],
      ]),
    ]),
  ].join("\n");
}

const HELP = `
The server is a process of its own, softgate serve; the changes are made on its store by this one. An answer is right
when the version it names was current within the staleness that is stated (1 s), and its scores are that version's.
A 404 is right while its adapter was removed. The server's tiers are small, so that adapters leave them all the time.
`;
