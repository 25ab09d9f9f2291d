// softgate feedback: what an adapter should have answered, told to a server, which keeps it for a retraining.
import { Command } from "commander";
import { z } from "zod";
import { parseAdapterName } from "#registry";
import { CliError, RemoteError } from "../errors.ts";
import type { Io } from "../io.ts";
import { type ColumnOptions, DATA_FILE, wholeNumber, withColumns, withJson } from "../options.ts";
import { json, table } from "../output.ts";
import { readDataset } from "../read-dataset.ts";
import type { Client } from "../remote/client.ts";
import { requireServer, type ServerOptions } from "../remote/require-server.ts";
import { withServer } from "../remote/server.ts";

/** As many as an adapter keeps. */
const ROWS_MAX = 5_000;
/** The most that a server answers at once. */
const PAGE_MAX = 200;

export function feedbackCommand(io: Io): Command {
  return new Command("feedback")
    .description("tell a server what an adapter should have answered; softgate retrain learns it")
    .addCommand(addCommand(io))
    .addCommand(listCommand(io))
    .addCommand(countCommand(io))
    .addCommand(removeCommand(io));
}

const onAdapter = (name: string) =>
  withServer(withJson(new Command(name))).argument("<name>", "of the adapter");

interface AddOptions extends ServerOptions, ColumnOptions {
  readonly text?: string;
  readonly textPair?: string;
  readonly label?: string;
  readonly input?: string;
  /** Not `version`, which is softgate's own. */
  readonly of?: number;
}

interface Example {
  readonly text: string;
  readonly textPair?: string;
  readonly label: string;
}

function addCommand(io: Io): Command {
  return withColumns(onAdapter("add"))
    .description("a text and its right label, or a file of them")
    .option("--text <text>", "what was classified")
    .option("--text-pair <text>", "the second text of a pair")
    .option("--label <label>", "the right one, of those that the adapter knows")
    .option("--input <file>", `of many: ${DATA_FILE}`)
    .option("--of <version>", "that answered (default: production)", wholeNumber(1, 1_000_000_000))
    .action(async (name: string, options: AddOptions) => {
      const path = feedbackPath(name);
      const client = requireServer(options, io);
      const examples = await examplesOf(options);
      const version = options.of === undefined ? {} : { version: options.of };
      const ids: string[] = [];
      for (const [index, example] of examples.entries()) {
        const answer = await client.send("POST", path, { ...example, ...version }).catch((error: unknown) => {
          if (io.signal.aborted) io.stderr(`${index} of ${examples.length} kept.\n`);
          throw named(error, { index, of: examples.length });
        });
        ids.push(recordSchema.parse(answer).id);
      }
      if (options.json) return io.stdout(json({ ids }));
      io.stdout(`${ids.length} kept. Next: softgate retrain ${name}\n`);
    });
}

/** Throws CliError bad_usage, and what readDataset throws. */
async function examplesOf({ text, textPair, label, input, ...columns }: AddOptions): Promise<Example[]> {
  if (input === undefined) {
    if (text !== undefined && label !== undefined)
      return [{ text, ...(textPair !== undefined && { textPair }), label }];
    throw new CliError("bad_usage", "Give --text and --label, or a file with --input.");
  }
  if ((text ?? textPair ?? label) !== undefined) {
    throw new CliError("bad_usage", "Give --text and --label, or --input, not both.");
  }
  const { dataset } = await readDataset(input, { ...columns, forTraining: false });
  const { examples, labels } = dataset;
  if (examples.length > ROWS_MAX) {
    throw new CliError("bad_usage", `${input} has ${examples.length} rows; an adapter keeps ${ROWS_MAX}.`);
  }
  return examples.map(({ input: read, label }) => ({
    ...(typeof read === "string" ? { text: read } : read),
    label: labels[label] ?? "",
  }));
}

/** Of a file: which example it is of, and what has become of those before it. */
function named(error: unknown, { index, of }: { index: number; of: number }): unknown {
  if (of === 1) return error;
  const before = index === 0 ? "None is kept." : "Those before it are kept.";
  const tell = (message: string) => `Example ${index + 1} of ${of}: ${message} ${before}`;
  if (error instanceof RemoteError)
    return new RemoteError(error.code, tell(error.publicMessage), error.status);
  return error instanceof CliError ? new CliError(error.code, tell(error.publicMessage), error.cause) : error;
}

const recordSchema = z.looseObject({
  ...{ id: z.string(), version: z.int(), at: z.string(), by: z.string(), text: z.string() },
  ...{ textPair: z.string().optional(), label: z.string() },
});
const pageSchema = z.looseObject({ feedback: z.array(recordSchema), next: z.string().optional() });

function listCommand(io: Io): Command {
  return onAdapter("list")
    .description("feedback of an adapter: of the newest version first, of each the newest first")
    .option("--after <id>", "the next page: what the page before said")
    .option("--limit <n>", "at most so many", wholeNumber(1, PAGE_MAX), 50)
    .action(async (name: string, options: ServerOptions & { after?: string; limit: number }) => {
      const { after, limit } = options;
      const page = await readPage(requireServer(options, io), name, { after, limit });
      const { feedback, next } = page;
      if (options.json) return io.stdout(json({ feedback, ...(next !== undefined && { next }) }));
      if (feedback.length === 0) return io.stdout(`No feedback. Next: softgate feedback add ${name}\n`);
      const rows = feedback.map(({ id, at, version, label, text }) => [id, at, `${version}`, label, text]);
      io.stdout(table([["ID", "AT", "VERSION", "LABEL", "TEXT"], ...rows]));
      if (next !== undefined) io.stderr(`More: --after ${next}\n`);
    });
}

function countCommand(io: Io): Command {
  return onAdapter("count")
    .description("how much feedback an adapter has, of each label")
    .action(async (name: string, options: ServerOptions) => {
      const client = requireServer(options, io);
      const labels = new Map<string, number>();
      let after: string | undefined;
      do {
        const { feedback, next } = await readPage(client, name, { after, limit: PAGE_MAX });
        for (const { label } of feedback) labels.set(label, (labels.get(label) ?? 0) + 1);
        after = next;
      } while (after !== undefined);
      const count = [...labels.values()].reduce((sum, ofLabel) => sum + ofLabel, 0);
      if (options.json) return io.stdout(json({ count, labels: Object.fromEntries(labels) }));
      const rows = [...labels].map(([label, ofLabel]) => [label, String(ofLabel)]);
      io.stdout(table([["LABEL", "EXAMPLES"], ...rows, ["all", String(count)]]));
    });
}

function removeCommand(io: Io): Command {
  return onAdapter("remove")
    .description("forget an example; versions that have learned it, have")
    .argument("<id>", "of the feedback")
    .action(async (name: string, id: string, options: ServerOptions) => {
      await requireServer(options, io).send("DELETE", `${feedbackPath(name)}/${encodeURIComponent(id)}`);
      io.stdout(options.json ? json({ id }) : `${id} is forgotten.\n`);
    });
}

async function readPage(client: Client, name: string, query: { after: string | undefined; limit: number }) {
  return pageSchema.parse(await client.get(feedbackPath(name), query));
}

/** Throws RegistryError invalid_name. */
function feedbackPath(name: string): string {
  return `/v1/adapters/${parseAdapterName(name)}/feedback`;
}
