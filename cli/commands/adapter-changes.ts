// softgate adapters set-alias, rollback, protect, retention, delete, restore and history: what changes an adapter,
// and what was changed.
import { Command, InvalidArgumentError, Option } from "commander";
import {
  type AdapterChange,
  type AdapterName,
  type AliasMove,
  KEEP_DAYS_MAX,
  KEEP_VERSIONS_MAX,
  type PromotionRule,
  parseAdapterName,
  parseAdapterReference,
  parseTenantId,
  type Retention,
} from "#registry";
import { CliError } from "../errors.ts";
import type { Io } from "../io.ts";
import { withPlace } from "../open-place.ts";
import { CLI_ACTOR, type TenantOptions, wholeNumber, withPlaceOptions } from "../options.ts";
import { json, table } from "../output.ts";

interface WhyOption extends TenantOptions {
  readonly why?: string;
}

interface ForcedOptions extends WhyOption {
  readonly force?: true;
  readonly from?: number;
}

const version = wholeNumber(1, 99_999_999);

export function setAliasCommand(io: Io): Command {
  return withForce(withWhy(new Command("set-alias").alias("alias"), io))
    .description("point an alias at a version")
    .argument("<name>", "of the adapter")
    .argument("<alias>", "for example production")
    .argument("<version>", "the version's number", version)
    .action(async (name: string, alias: string, target: number, options: ForcedOptions) => {
      const [tenant, adapterName] = [parseTenantId(options.tenant), parseAdapterName(name)];
      const move = { ...changeOf(options), alias, version: target };
      const moved = await withPlace(options, io, (registry) => registry.setAlias(tenant, adapterName, move));
      printMove(io, options, { name, ...moved });
    });
}

export function rollbackCommand(io: Io): Command {
  return withForce(withWhy(new Command("rollback"), io))
    .description("move an alias back to the version before, after verifying that one's files")
    .argument("<name>", "of the adapter")
    .argument("[alias]", "which", "production")
    .option("--to <version>", "to this version instead", version)
    .action(async (name: string, alias: string, options: ForcedOptions & { to?: number }) => {
      const [tenant, adapterName] = [parseTenantId(options.tenant), parseAdapterName(name)];
      const request = {
        ...changeOf(options),
        alias,
        ...(options.to !== undefined && { version: options.to }),
      };
      const moved = await withPlace(options, io, (registry) =>
        registry.rollback(tenant, adapterName, request),
      );
      printMove(io, options, { name, ...moved });
    });
}

interface ProtectOptions extends WhyOption {
  readonly metric?: "accuracy" | "macroF1";
  readonly on: "heldOut" | "validation";
  readonly testSet?: string;
  readonly margin: number;
  readonly off?: true;
}

export function protectCommand(io: Io): Command {
  return withWhy(new Command("protect"), io)
    .description("hold an alias where it is, but for --force; with --metric let it move to no worse versions")
    .argument("<name>", "of the adapter")
    .argument("[alias]", "which", "production")
    .addOption(new Option("--metric <metric>", "that may not fall").choices(["accuracy", "macroF1"]))
    .addOption(
      new Option("--on <rows>", "rows that it was measured on, see softgate report")
        .choices(["heldOut", "validation"])
        .default("heldOut"),
    )
    .addOption(
      new Option(
        "--test-set <dataset>",
        "in place of those: a dataset that every version is evaluated on",
      ).conflicts("on"),
    )
    .option("--margin <fraction>", "by how much it may fall, from 0 to 1", fraction, 0)
    .option("--off", "end the protection")
    .action(async (name: string, alias: string, options: ProtectOptions) => {
      const [tenant, adapterName] = [parseTenantId(options.tenant), parseAdapterName(name)];
      const { off } = options;
      const rule = off ? undefined : ruleOf(options);
      const protection = { alias, protected: !off, ...(rule && { rule }) };
      const testSet = await withPlace(options, io, async (registry) => {
        await registry.protectAlias(tenant, adapterName, { ...changeOf(options), ...protection });
        return registry.findTestSet(tenant, adapterName, alias);
      });
      if (options.json) return io.stdout(json({ name, ...protection }));
      io.stdout(`${name}@${alias} is ${off ? "no longer protected" : "protected"}.\n`);
      if (!testSet || testSet.isEvaluated) return;
      const which = `--adapter ${name}:${testSet.version} --dataset ${testSet.datasetId}`;
      io.stderr(`Next: softgate evaluate ${which} --record: what later versions are compared with.\n`);
    });
}

/** Throws CliError bad_usage. */
function ruleOf({ metric, on, testSet, margin: marginMax }: ProtectOptions): PromotionRule | undefined {
  if (testSet === undefined) return metric && { metric, on, marginMax };
  if (metric) return { metric, on: "testSet", datasetId: testSet, marginMax };
  throw new CliError("bad_usage", "Say which figure on the test set may not fall: --metric macroF1.");
}

interface RetentionOptions extends WhyOption {
  readonly keep?: number;
  readonly days?: number;
  readonly off?: true;
}

export function retentionCommand(io: Io): Command {
  return withWhy(new Command("retention"), io)
    .description(
      "which versions stay when garbage is collected (gc); without options, tell the rule there is",
    )
    .argument("<name>", "of the adapter")
    .option("--keep <n>", "its newest versions, so many", wholeNumber(1, KEEP_VERSIONS_MAX))
    .option("--days <n>", "and those that are no older", wholeNumber(1, KEEP_DAYS_MAX))
    .option("--off", "all versions stay")
    .action(async (name: string, options: RetentionOptions) => {
      const [tenant, adapterName] = [parseTenantId(options.tenant), parseAdapterName(name)];
      const change = retentionOf(options);
      const retention = await withPlace(options, io, async (registry) => {
        if (!change) return (await registry.getRetention(tenant, adapterName)).retention;
        await registry.setRetention(tenant, adapterName, { ...changeOf(options), ...change });
        return change.retention;
      });
      if (options.json) return io.stdout(json({ name, retention: retention ?? null }));
      io.stdout(`Of ${name} ${describeRetention(retention)}.\n`);
    });
}

/** Undefined where it is asked for. */
function retentionOf({
  keep,
  days,
  off,
}: RetentionOptions): { retention: Retention | undefined } | undefined {
  if ((off && (keep ?? days) !== undefined) || (days !== undefined && keep === undefined)) {
    throw new CliError("bad_usage", "Give --keep N, with or without --days N, or --off alone.");
  }
  if (off) return { retention: undefined };
  return keep === undefined
    ? undefined
    : { retention: { keepVersions: keep, ...(days !== undefined && { keepDays: days }) } };
}

function describeRetention(retention: Retention | undefined): string {
  if (!retention) return "all versions stay";
  const { keepVersions, keepDays } = retention;
  const days = keepDays === undefined ? "" : `, those of the last ${keepDays} days`;
  return `the newest ${keepVersions} versions stay${days}, and those that aliases need`;
}

export function deleteCommand(io: Io): Command {
  return withWhy(new Command("delete").alias("rm"), io)
    .description("delete an adapter, or one version that no alias points at")
    .argument("<adapter>", "NAME or NAME:3")
    .option("--force", "also an adapter with a protected alias; needs --why")
    .action(async (adapter: string, options: ForcedOptions) => {
      const tenant = parseTenantId(options.tenant);
      const { name, ...which } = parseTarget(adapter);
      const deleted = await withPlace(options, io, (registry) =>
        which.version === undefined
          ? registry.deleteAdapter(tenant, name, changeOf(options))
          : registry.deleteVersion(tenant, name, { ...changeOf(options), version: which.version }),
      );
      if (options.json) return io.stdout(json({ name, ...which, ...deleted }));
      const until = deleted.restorableUntil;
      io.stdout(
        `${adapter} is deleted. Until ${until} it can be restored: softgate adapters restore ${adapter}\n`,
      );
    });
}

export function restoreCommand(io: Io): Command {
  return withWhy(new Command("restore"), io)
    .description("bring back a deleted adapter, or a deleted version")
    .argument("<adapter>", "NAME or NAME:3")
    .action(async (adapter: string, options: WhyOption) => {
      const tenant = parseTenantId(options.tenant);
      const { name, ...which } = parseTarget(adapter);
      await withPlace(options, io, (registry) =>
        which.version === undefined
          ? registry.restoreAdapter(tenant, name, changeOf(options))
          : registry.restoreVersion(tenant, name, { ...changeOf(options), version: which.version }),
      );
      io.stdout(options.json ? json({ name, ...which }) : `${adapter} is there.\n`);
    });
}

export function historyCommand(io: Io): Command {
  return withPlaceOptions(new Command("history"), io)
    .description("changes of an adapter, newest first: who, when, from where to where, and why")
    .argument("<name>", "of the adapter")
    .option("--alias <alias>", "of this alias alone")
    .option("--before <n>", "those before this number: the next page", wholeNumber(1, 99_999_999))
    .option("--limit <n>", "at most so many", wholeNumber(1, 200), 50)
    .action(async (name: string, options: TenantOptions & HistoryOptions) => {
      const [tenant, adapterName] = [parseTenantId(options.tenant), parseAdapterName(name)];
      const { alias, before, limit } = options;
      const page = { limit, ...(alias !== undefined && { alias }), ...(before !== undefined && { before }) };
      const history = await withPlace(options, io, (registry) =>
        registry.listHistory(tenant, adapterName, page),
      );
      if (options.json) return io.stdout(json({ name, ...history }));
      io.stdout(
        table([["N", "AT", "BY", "ACTION", "ALIAS", "FROM", "TO", "WHY"], ...history.changes.map(rowOf)]),
      );
      if (history.next !== undefined) io.stderr(`More: --before ${history.next}\n`);
    });
}

interface HistoryOptions {
  readonly alias?: string;
  readonly before?: number;
  readonly limit: number;
}

function rowOf(change: AdapterChange): string[] {
  const { sequence, at, by, action, alias = "", from = "", version, versions, why = "", forced } = change;
  const to = version ?? versions?.join(" ") ?? "";
  return [String(sequence), at, by, forced ? `${action} (forced)` : action, alias, `${from}`, `${to}`, why];
}

function withWhy(command: Command, io: Io): Command {
  return withPlaceOptions(command, io).option("--why <text>", "the reason, for the history");
}

function withForce(command: Command): Command {
  return command
    .option("--from <version>", "only if the alias points at this version", version)
    .option("--force", "although the alias is protected; needs --why");
}

function changeOf({ why, force, from }: ForcedOptions) {
  return {
    actor: CLI_ACTOR,
    ...(why !== undefined && { why }),
    ...(force && { force }),
    ...(from !== undefined && { from }),
  };
}

/** NAME or NAME:3. Throws invalid_reference, invalid_name. */
function parseTarget(adapter: string): { name: AdapterName; version?: number } {
  if (!adapter.includes(":")) return { name: parseAdapterName(adapter) };
  const reference = parseAdapterReference(adapter);
  return "version" in reference ? reference : { name: parseAdapterName(adapter) };
}

function printMove(io: Io, options: TenantOptions, move: AliasMove & { name: string }): void {
  const { name, alias, version: to, from } = move;
  const before = from === undefined || from === to ? "" : `, and was ${name}:${from}`;
  io.stdout(options.json ? json(move) : `${name}@${alias} is ${name}:${to} now${before}.\n`);
}

function fraction(value: string): number {
  const number = /^\d*\.?\d+$/.test(value) ? Number(value) : Number.NaN;
  if (number >= 0 && number <= 1) return number;
  throw new InvalidArgumentError("Give a number from 0 to 1.");
}
