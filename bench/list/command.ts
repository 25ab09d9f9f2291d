// npm run bench -- list
import { Command } from "commander";
import type { BenchIo } from "../io.ts";
import { kindOfStore, withBenchStore } from "../load/bench-store.ts";
import { type PagesOptions, wholeNumber, withPages } from "../options.ts";
import { printDocument } from "../print-document.ts";
import { textTable, whole } from "../text-table.ts";
import { type ListResults, measureList } from "./measure-list.ts";

interface ListOptions extends PagesOptions {
  readonly adapters: number;
  readonly versions: number;
  readonly store: string;
}

export function listCommand(io: BenchIo): Command {
  return withPages(new Command("list"), "adapters", 20)
    .description("pages of a tenant's adapters: calls to the store, and time")
    .option("--adapters <n>", "of the tenant", wholeNumber(10, 1_000_000), 10_000)
    .option("--versions <n>", "of each adapter", wholeNumber(1, 1_000), 5)
    .option("--store <kind>", "file, s3 (a real S3 server on this machine), or an empty store's URL", "file")
    .addHelpText("after", HELP)
    .action((options: ListOptions) => list(options, io));
}

async function list(options: ListOptions, io: BenchIo): Promise<void> {
  const { adapters, versions, limit, rounds } = options;
  const size = { adapters, versions, limit, rounds };
  const results = await withBenchStore(options.store, ({ url }) => measureList({ url, ...size }, io));
  const settings = { ...size, store: kindOfStore(options.store) };
  await printDocument({ benchmark: "list", settings, results, text: describe(results) }, options, io);
}

function describe({ pages, writeSeconds }: ListResults): string {
  const rows = pages.map(({ page, adapters, calls, milliseconds }) => [
    page,
    whole(adapters),
    ...[calls.list, calls.get].map(whole),
    ...[milliseconds.median, milliseconds.min, milliseconds.max].map((value) => value.toFixed(1)),
  ]);
  const heading = ["PAGE", "ADAPTERS", "LISTINGS", "READS", "MS", "MIN", "MAX"];
  return `${textTable([heading, ...rows])}The records were written in ${whole(writeSeconds)} s.\n`;
}

const HELP = `
Records are written as publishes leave them, straight into the store: manifests and state of each adapter, no files.
"prefix" is a page of the names that begin as the middle one does; "label" a search for a label that one
adapter of a hundred has. Nothing is cached: each read of a page is a new registry's.
`;
