// softgate adapters: what a tenant has published.
import { Command } from "commander";
import {
  ADAPTERS_PER_PAGE_MAX,
  type AdapterName,
  type AdapterSummary,
  type AdaptersPage,
  type AliasSummary,
  parseAdapterName,
  parseTenantId,
  type TenantId,
  type VersionSummary,
} from "#registry";
import type { Io } from "../io.ts";
import { withPlace } from "../open-place.ts";
import { type TenantOptions, withPlaceOptions } from "../options.ts";
import { json, percent, table } from "../output.ts";
import type { RegistryPort } from "../remote/remote-registry.ts";
import {
  deleteCommand,
  historyCommand,
  protectCommand,
  restoreCommand,
  retentionCommand,
  rollbackCommand,
  setAliasCommand,
} from "./adapter-changes.ts";
import { gcCommand } from "./collect-garbage.ts";
import { exportCommand } from "./export-adapter.ts";
import { importCommand } from "./import-adapter.ts";
import { mirrorCommand } from "./mirror-adapters.ts";
import { fsckCommand } from "./store-fsck.ts";

export function adaptersCommand(io: Io): Command {
  return new Command("adapters")
    .description(
      "list adapters and versions, move and protect aliases, delete and restore, export, import and mirror, collect garbage, check what is there",
    )
    .addCommand(listCommand(io))
    .addCommand(showCommand(io))
    .addCommand(aliasesCommand(io))
    .addCommand(historyCommand(io))
    .addCommand(setAliasCommand(io))
    .addCommand(rollbackCommand(io))
    .addCommand(protectCommand(io))
    .addCommand(retentionCommand(io))
    .addCommand(deleteCommand(io))
    .addCommand(restoreCommand(io))
    .addCommand(exportCommand(io))
    .addCommand(importCommand(io))
    .addCommand(mirrorCommand(io))
    .addCommand(gcCommand(io))
    .addCommand(fsckCommand(io));
}

type Search = Pick<AdaptersPage, "prefix" | "label" | "backbone">;

function listCommand(io: Io): Command {
  return withPlaceOptions(new Command("list"), io)
    .description("adapters by name, with what their newest versions are")
    .option("--prefix <text>", "only names that begin so")
    .option("--label <label>", "only adapters whose newest version has this label")
    .option("--backbone <id>", "only adapters whose newest version is of this backbone")
    .action(async ({ prefix, label, backbone, ...options }: TenantOptions & Search) => {
      const tenant = parseTenantId(options.tenant);
      const search = {
        ...(prefix !== undefined && { prefix }),
        ...(label !== undefined && { label }),
        ...(backbone !== undefined && { backbone }),
      };
      const adapters = await withPlace(options, io, (registry) => allAdapters(registry, tenant, search));
      if (options.json) return io.stdout(json({ adapters }));
      if (adapters.length > 0) return io.stdout(table([LIST_HEADING, ...adapters.map(listRow)]));
      const isSearch = Object.keys(search).length > 0;
      io.stdout(isSearch ? "No adapter fits.\n" : NO_ADAPTERS);
    });
}

const LIST_HEADING = ["NAME", "LATEST", "ALIASES", "MACRO-F1", "LABELS", "BACKBONE"];
const NO_ADAPTERS = "No adapters yet. Next: softgate train --data FILE.csv --name NAME\n";

function listRow({ name, latestVersion, aliases, metrics, labelCount, backbone }: AdapterSummary): string[] {
  const pointers = Object.entries(aliases).map(([alias, version]) => `${alias}=${version}`);
  const macroF1 = metrics?.macroF1 === undefined ? "" : percent(metrics.macroF1);
  return [name, String(latestVersion), pointers.join(" "), macroF1, String(labelCount), backbone.id];
}

function showCommand(io: Io): Command {
  return withPlaceOptions(new Command("show"), io)
    .description("versions of an adapter, newest first")
    .argument("<name>", "of the adapter")
    .action(async (name: string, options: TenantOptions) => {
      const [tenant, adapterName] = [parseTenantId(options.tenant), parseAdapterName(name)];
      const versions = await withPlace(options, io, (registry) => allVersions(registry, tenant, adapterName));
      if (options.json) return io.stdout(json({ name, versions }));
      const rows = versions.map((version) => [
        `${name}:${version.version}`,
        version.aliases.join(" "),
        version.createdAt,
        `${version.labels.length} labels, ${version.dataset.rows} rows`,
        version.digest,
        originOf(version),
      ]);
      io.stdout(table([["ADAPTER", "ALIASES", "CREATED", "LEARNED", "DIGEST", "ORIGIN"], ...rows]));
    });
}

/** Of a version that was imported. */
function originOf({ origin }: VersionSummary): string {
  return origin ? `${origin.name}:${origin.version} of ${origin.tenant}` : "";
}

function aliasesCommand(io: Io): Command {
  return withPlaceOptions(new Command("aliases"), io)
    .description("aliases of an adapter: where they point, what protects them, where a rollback leads")
    .argument("<name>", "of the adapter")
    .action(async (name: string, options: TenantOptions) => {
      const [tenant, adapterName] = [parseTenantId(options.tenant), parseAdapterName(name)];
      const aliases = await withPlace(options, io, (registry) => registry.listAliases(tenant, adapterName));
      if (options.json) return io.stdout(json({ name, aliases }));
      const rows = aliases.map(({ alias, version, earlier, ...rest }) => [
        ...[alias, String(version), protectionOf(rest)],
        earlier.join(" "),
      ]);
      io.stdout(table([["ALIAS", "VERSION", "PROTECTED", "EARLIER"], ...rows]));
    });
}

function protectionOf({ protected: isProtected, rule }: Pick<AliasSummary, "protected" | "rule">): string {
  if (!rule) return isProtected ? "yes" : "no";
  const rows = rule.on === "testSet" ? `test set ${rule.datasetId}` : rule.on;
  return `${rule.metric} on ${rows}, margin ${rule.marginMax}`;
}

async function allAdapters(
  registry: RegistryPort,
  tenant: TenantId,
  search: Search,
): Promise<AdapterSummary[]> {
  const adapters: AdapterSummary[] = [];
  for (let after: string | undefined; ; ) {
    const page = await registry.listAdapters(tenant, {
      ...search,
      limit: ADAPTERS_PER_PAGE_MAX,
      ...(after !== undefined && { after }),
    });
    adapters.push(...page.adapters);
    if (page.next === undefined) return adapters;
    after = page.next;
  }
}

async function allVersions(
  registry: RegistryPort,
  tenant: TenantId,
  name: AdapterName,
): Promise<VersionSummary[]> {
  const versions: VersionSummary[] = [];
  for (let before: number | undefined; ; ) {
    const page = await registry.listVersions(tenant, name, before === undefined ? {} : { before });
    versions.push(...page.versions);
    if (page.next === undefined) return versions;
    before = page.next;
  }
}
