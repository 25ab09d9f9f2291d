// softgate audit: what was changed of a tenant's, by whom, when and why.
import { Command, InvalidArgumentError } from "commander";
import { type AuditEntry, parseTenantId } from "#registry";
import type { Io } from "../io.ts";
import { withPlace } from "../open-place.ts";
import { type TenantOptions, wholeNumber, withPlaceOptions } from "../options.ts";
import { json, table } from "../output.ts";

interface AuditOptions extends TenantOptions {
  readonly since?: Date;
  readonly until?: Date;
  readonly after?: string;
  readonly limit: number;
}

export function auditCommand(io: Io): Command {
  return withPlaceOptions(new Command("audit"), io)
    .description("every change of a tenant's datasets, adapters and keys, newest first")
    .option("--since <time>", "from this time on, for example 2026-11-25 or 2026-11-25T12:00:00Z", time)
    .option("--until <time>", "up to this time", time)
    .option("--after <place>", "the next page: what the page before said")
    .option("--limit <n>", "at most so many", wholeNumber(1, 200), 50)
    .action(async (options: AuditOptions) => {
      const { since, until, after, limit } = options;
      const page = { limit, ...(since && { since }), ...(until && { until }), ...(after && { after }) };
      const { entries, next } = await withPlace(options, io, (registry) =>
        registry.listAudit(parseTenantId(options.tenant), page),
      );
      if (options.json) return io.stdout(json({ entries, ...(next !== undefined && { next }) }));
      io.stdout(table([["AT", "BY", "ACTION", "WHAT", "REQUEST", "WHY"], ...entries.map(rowOf)]));
      if (next !== undefined) io.stderr(`More: --after ${next}\n`);
    });
}

function rowOf(entry: AuditEntry): string[] {
  const { at, by, action, forced, requestId = "", why = "" } = entry;
  return [at, by, forced ? `${action} (forced)` : action, subjectOf(entry), requestId, why];
}

function subjectOf(entry: AuditEntry): string {
  const { adapter, alias, from, version, versions, datasetId, feedbackId, keyId, newKeyId, required } = entry;
  if (required !== undefined) return required ? "from now on" : "no longer";
  if (newKeyId !== undefined) return `${keyId} -> ${newKeyId}`;
  if (adapter === undefined) return datasetId ?? keyId ?? "";
  if (feedbackId !== undefined) return `${adapter} ${feedbackId}`;
  if (versions !== undefined) return `${adapter}:${versions.join(",")}`;
  if (alias === undefined) return version === undefined ? adapter : `${adapter}:${version}`;
  if (version === undefined) return `${adapter}@${alias}`;
  return `${adapter}@${alias} ${from === undefined ? "" : `${from} `}-> ${version}`;
}

function time(value: string): Date {
  const date = new Date(value);
  if (/^\d{4}-/.test(value) && !Number.isNaN(date.getTime())) return date;
  throw new InvalidArgumentError("Give a date or a time, for example 2026-11-25T12:00:00Z.");
}
