// npm run bench -- sessions
import { Command } from "commander";
import type { BenchIo } from "../io.ts";
import { openBackbone } from "../open-backbone.ts";
import { type SharedOptions, wholeNumber, withShared } from "../options.ts";
import { printDocument } from "../print-document.ts";
import { readTexts, TEXTS_TEXT } from "../serve/read-texts.ts";
import { textTable, whole } from "../text-table.ts";
import { measureSessions, type SessionsResult } from "./measure-sessions.ts";

interface SessionsOptions extends SharedOptions {
  readonly texts?: string;
  readonly batch: number;
  readonly rounds: number;
  readonly warmUp: number;
}

export function sessionsCommand(io: BenchIo): Command {
  const command = new Command("sessions")
    .description("threads of one session against sessions of one thread each, on all cores")
    .option("--texts <path>", TEXTS_TEXT)
    .option("--batch <n>", "texts of one pass, each of another adapter", wholeNumber(1, 512), 22)
    .option("--rounds <n>", "rounds that are measured; each runs every way once", wholeNumber(1, 10_000), 15)
    .option("--warm-up <n>", "rounds before those, not measured", wholeNumber(0, 1_000), 2);
  return withShared(command, "write the JSON document to this file too").action((options: SessionsOptions) =>
    sessions(options, io),
  );
}

async function sessions(options: SessionsOptions, io: BenchIo): Promise<void> {
  const { batch, rounds, warmUp } = options;
  const { inputs, source } = await readTexts(options.texts, batch);
  const backbone = await openBackbone(options.backbone, io);
  const results = await measureSessions({ backbone, texts: inputs, rounds, warmUp, io });
  const settings = {
    backbone: { id: backbone.id, digest: backbone.backbone.digest },
    ...{ texts: source, batch, rounds, warmUp },
  };
  await printDocument({ benchmark: "sessions", settings, results, text: describe(results) }, options, io);
}

function describe(results: readonly SessionsResult[]): string {
  const rows = results.map(({ sessions: count, threads, textsPerSecond, ofOne, aloneMs }) => [
    `${count} x ${threads}`,
    whole(textsPerSecond),
    `${ofOne.median.toFixed(3)} (${ofOne.lowerQuartile.toFixed(3)}-${ofOne.upperQuartile.toFixed(3)})`,
    aloneMs.median.toFixed(1),
  ]);
  return textTable([["SESSIONS X THREADS", "TEXTS/S", "OF THE FIRST", "ONE PASS ALONE, MS"], ...rows]);
}
