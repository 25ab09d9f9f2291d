// softgate adapters: what a tenant has published.
import { Command } from "commander";
import {
  type AdapterName,
  type AdapterSummary,
  type AliasSummary,
  parseAdapterName,
  parseTenantId,
  type Registry,
  type TenantId,
  type VersionSummary,
} from "#registry";
import type { Io } from "../io.ts";
import { withRegistry } from "../open-registry.ts";
import { type TenantOptions, withTenant } from "../options.ts";
import { json, table } from "../output.ts";
import {
  deleteCommand,
  historyCommand,
  protectCommand,
  restoreCommand,
  rollbackCommand,
  setAliasCommand,
} from "./adapter-changes.ts";
import { exportCommand } from "./export-adapter.ts";
import { importCommand } from "./import-adapter.ts";

export function adaptersCommand(io: Io): Command {
  return new Command("adapters")
    .description(
      "list adapters and versions, move and protect aliases, delete and restore, export and import",
    )
    .addCommand(listCommand(io))
    .addCommand(showCommand(io))
    .addCommand(aliasesCommand(io))
    .addCommand(historyCommand(io))
    .addCommand(setAliasCommand(io))
    .addCommand(rollbackCommand(io))
    .addCommand(protectCommand(io))
    .addCommand(deleteCommand(io))
    .addCommand(restoreCommand(io))
    .addCommand(exportCommand(io))
    .addCommand(importCommand(io));
}

function listCommand(io: Io): Command {
  return withTenant(new Command("list"), io)
    .description("adapters by name")
    .action(async (options: TenantOptions) => {
      const tenant = parseTenantId(options.tenant);
      const adapters = await withRegistry(options.store, (registry) => allAdapters(registry, tenant));
      if (options.json) return io.stdout(json({ adapters }));
      if (adapters.length === 0) {
        return io.stdout("No adapters yet. Next: softgate train --data FILE.csv --name NAME\n");
      }
      const rows = adapters.map(({ name, latestVersion, aliases }) => [
        name,
        String(latestVersion),
        Object.entries(aliases)
          .map(([alias, version]) => `${alias}=${version}`)
          .join(" "),
      ]);
      io.stdout(table([["NAME", "LATEST", "ALIASES"], ...rows]));
    });
}

function showCommand(io: Io): Command {
  return withTenant(new Command("show"), io)
    .description("versions of an adapter, newest first")
    .argument("<name>", "of the adapter")
    .action(async (name: string, options: TenantOptions) => {
      const [tenant, adapterName] = [parseTenantId(options.tenant), parseAdapterName(name)];
      const versions = await withRegistry(options.store, (registry) =>
        allVersions(registry, tenant, adapterName),
      );
      if (options.json) return io.stdout(json({ name, versions }));
      const rows = versions.map((version) => [
        `${name}:${version.version}`,
        version.aliases.join(" "),
        version.createdAt,
        `${version.labels.length} labels, ${version.dataset.rows} rows`,
        version.digest,
      ]);
      io.stdout(table([["ADAPTER", "ALIASES", "CREATED", "LEARNED", "DIGEST"], ...rows]));
    });
}

function aliasesCommand(io: Io): Command {
  return withTenant(new Command("aliases"), io)
    .description("aliases of an adapter: where they point, what protects them, where a rollback leads")
    .argument("<name>", "of the adapter")
    .action(async (name: string, options: TenantOptions) => {
      const [tenant, adapterName] = [parseTenantId(options.tenant), parseAdapterName(name)];
      const aliases = await withRegistry(options.store, (registry) =>
        registry.listAliases(tenant, adapterName),
      );
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
  return `${rule.metric} on ${rule.on}, margin ${rule.marginMax}`;
}

async function allAdapters(registry: Registry, tenant: TenantId): Promise<AdapterSummary[]> {
  const adapters: AdapterSummary[] = [];
  for (let after: string | undefined; ; ) {
    const page = await registry.listAdapters(tenant, after === undefined ? {} : { after });
    adapters.push(...page.adapters);
    if (page.next === undefined) return adapters;
    after = page.next;
  }
}

async function allVersions(
  registry: Registry,
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
