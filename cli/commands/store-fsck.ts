// softgate store fsck: is everything that the store should hold there, and as it was written?
import { Command } from "commander";
import { checkStore, type Finding, openObjectStore, parseTenantId } from "#registry";
import { duration } from "../duration.ts";
import { CliError } from "../errors.ts";
import type { Io } from "../io.ts";
import { type StoreOptions, withStore } from "../options.ts";
import { json } from "../output.ts";
import { createProgressLine, megabytes } from "../progress-line.ts";

/** Shown in one document; all are counted, and without --json each is printed as it is found. */
const FINDINGS_SHOWN_MAX = 10_000;

interface FsckOptions extends StoreOptions {
  readonly tenant?: string;
  readonly repair?: true;
  readonly grace?: number;
}

export function fsckCommand(io: Io): Command {
  return withStore(new Command("fsck"), io)
    .description("read everything in the store and tell what is damaged, missing or left over")
    .option("--tenant <tenant>", "this tenant's part alone")
    .option("--repair", "repair what is safe to repair; removes nothing that anything names")
    .option("--grace <duration>", "what is younger is not called left over (default: 1h)", duration)
    .action(async (options: FsckOptions) => {
      const store = await openObjectStore(options.store);
      try {
        await check(io, options, store);
      } finally {
        await store.close();
      }
    });
}

async function check(
  io: Io,
  options: FsckOptions,
  store: Awaited<ReturnType<typeof openObjectStore>>,
): Promise<void> {
  const { tenant, repair, grace } = options;
  const progress = createProgressLine(io, { silent: options.json === true });
  const findings: Finding[] = [];
  const onFinding = (finding: Finding) => {
    if (options.json && findings.length < FINDINGS_SHOWN_MAX) findings.push(finding);
    if (options.json) return;
    progress.clear();
    io.stdout(describe(finding));
  };
  const result = await checkStore(store, {
    ...(tenant !== undefined && { tenant: parseTenantId(tenant) }),
    ...(repair && { repair }),
    ...(grace !== undefined && { graceMs: grace }),
    onFinding,
    onProgress: ({ objects, bytes }) => {
      if (io.signal.aborted) throw new CliError("interrupted", "Interrupted.");
      progress.show("checking", `${objects} objects, ${megabytes(bytes)}`);
    },
  });
  progress.clear();
  const left = result.found - result.repaired;
  if (options.json) io.stdout(json({ ...result, findings }));
  else {
    const { objects, bytes, repaired } = result;
    io.stdout(`${objects} objects, ${megabytes(bytes)}: ${result.found} findings, ${repaired} repaired.\n`);
  }
  if (left > 0) throw new CliError("findings_left", `${left} findings are left: do what each of them says.`);
}

function describe({ code, severity, key, detail, means, remedy, repaired }: Finding): string {
  const what = detail === undefined ? key : `${key} (${detail})`;
  return `${severity} ${code}: ${what}\n  ${means} ${repaired ? "Repaired." : remedy}\n`;
}
