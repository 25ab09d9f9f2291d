// softgate adapters mirror: what one store has of adapters, in another one too.
import { Command, Option } from "commander";
import { openObjectStore, parseAdapterName, parseTenantId } from "#registry";
import { type MirrorCount, type MirrorProblem, mirrorStore } from "#registry/mirror";
import { CliError } from "../errors.ts";
import type { Io } from "../io.ts";
import { type JsonOption, withJson } from "../options.ts";
import { json, table } from "../output.ts";
import { createProgressLine, megabytes } from "../progress-line.ts";

/** Shown in one document; all are counted, and without --json each is printed as it is met. */
const PROBLEMS_SHOWN_MAX = 10_000;

interface MirrorCommandOptions extends JsonOption {
  readonly from: string;
  readonly to: string;
  readonly tenant?: string;
  readonly name?: string;
  readonly prefix?: string;
  readonly datasets?: true;
  readonly dryRun?: true;
  readonly force?: true;
}

export function mirrorCommand(io: Io): Command {
  return withJson(new Command("mirror"))
    .description(
      "bring a store's adapters to another store, with their history: what is there is not sent again",
    )
    .requiredOption("--from <url>", "the store that is read: file:PATH or s3://…")
    .requiredOption("--to <url>", "the store that is written")
    .option("--tenant <tenant>", "this tenant's adapters alone (default: every tenant's)")
    .option("--name <name>", "this adapter alone")
    .addOption(new Option("--prefix <text>", "only names that begin so").conflicts("name"))
    .option("--datasets", "datasets and feedback too")
    .option("--dry-run", "write nothing, and tell what would be sent")
    .option("--force", "give up what was changed at the target alone; versions there are never replaced")
    .addHelpText("after", HELP)
    .action((options: MirrorCommandOptions) => mirror(options, io));
}

async function mirror(options: MirrorCommandOptions, io: Io): Promise<void> {
  const { tenant, name, prefix, datasets, dryRun, force } = options;
  const selection = {
    ...(tenant !== undefined && { tenant: parseTenantId(tenant) }),
    ...(name !== undefined && { name: parseAdapterName(name) }),
    ...(prefix !== undefined && { prefix: parseAdapterName(prefix) }),
  };
  const progress = createProgressLine(io, { silent: options.json === true });
  const problems: MirrorProblem[] = [];
  const onProblem = (problem: MirrorProblem) => {
    if (options.json && problems.length < PROBLEMS_SHOWN_MAX) problems.push(problem);
    if (options.json) return;
    progress.clear();
    io.stdout(`${problem.code}: ${problem.message}\n`);
  };
  const onProgress = (total: MirrorCount) => {
    if (io.signal.aborted) throw new CliError("interrupted", "Interrupted.");
    progress.show("mirroring", `${seen(total)} adapters, ${megabytes(total.bytes)}`);
  };
  const total = await withStores(options, (stores) =>
    mirrorStore(stores, {
      ...selection,
      ...{ datasets: datasets ?? false, dryRun: dryRun ?? false, force: force ?? false },
      ...{ onProblem, onProgress },
    }),
  );
  progress.clear();
  if (options.json) io.stdout(json({ dryRun: dryRun ?? false, ...total, problems }));
  else io.stdout(describe(total, options));
  const left = total.adapters.diverged + total.failed;
  if (left > 0) {
    throw new CliError(
      "mirror_incomplete",
      `Not mirrored: ${left}. Do what is said of each, then run it again.`,
    );
  }
}

async function withStores(
  { from, to, dryRun }: MirrorCommandOptions,
  use: (stores: Parameters<typeof mirrorStore>[0]) => Promise<MirrorCount>,
): Promise<MirrorCount> {
  const source = await openObjectStore(from);
  try {
    const target = await openObjectStore(to);
    try {
      if (!dryRun) await target.check();
      return await use({ source, target });
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

function describe(total: MirrorCount, { datasets, dryRun }: MirrorCommandOptions): string {
  const { changed, unchanged, diverged } = total.adapters;
  const sent = dryRun ? "TO SEND" : "SENT";
  const rows = [
    ["ADAPTERS", String(seen(total))],
    ["  changed", String(changed)],
    ["  unchanged", String(unchanged)],
    ["  diverged", String(diverged)],
    ["FAILED", String(total.failed)],
    [`VERSIONS ${sent}`, String(total.versions)],
    ...(datasets ? [[`DATASETS ${sent}`, String(total.datasets)]] : []),
    [`FILES ${sent}`, `${total.blobs}, with manifests ${megabytes(total.bytes)}`],
  ];
  return table(rows);
}

function seen({ adapters: { changed, unchanged, diverged } }: MirrorCount): number {
  return changed + unchanged + diverged;
}

const HELP = `
For each adapter: its versions, files verified, then its history, and its aliases at the end, so that servers on the
target never see an alias at a version that is not whole. Of the audit, what belongs to it. API keys, signing keys, jobs
and limits are not mirrored. An adapter that was changed at the target is left as it is, and told (exit code 1).

Examples:
  $ softgate adapters mirror --from file:.softgate --to "s3://backup/softgate?region=eu-central-1"
  $ softgate adapters mirror --from s3://live --to file:copy --tenant acme --dry-run
`;
