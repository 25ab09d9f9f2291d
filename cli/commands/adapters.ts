// softgate adapters: what a tenant has published.
import { Command } from "commander";
import {
  type AdapterName,
  type AdapterSummary,
  parseAdapterName,
  parseTenantId,
  type Registry,
  type TenantId,
  type VersionSummary,
} from "#registry";
import type { Io } from "../io.ts";
import { withRegistry } from "../open-registry.ts";
import { type TenantOptions, wholeNumber, withTenant } from "../options.ts";
import { json, table } from "../output.ts";
import { exportCommand } from "./export-adapter.ts";
import { importCommand } from "./import-adapter.ts";

export function adaptersCommand(io: Io): Command {
  return new Command("adapters")
    .description("list adapters, show their versions, move their aliases, export and import")
    .addCommand(listCommand(io))
    .addCommand(showCommand(io))
    .addCommand(setAliasCommand(io))
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

function setAliasCommand(io: Io): Command {
  return withTenant(new Command("set-alias"), io)
    .description("point an alias at a version; moving production back is the roll-back")
    .argument("<name>", "of the adapter")
    .argument("<alias>", "for example production")
    .argument("<version>", "the version's number", wholeNumber(1, 99_999_999))
    .action(async (name: string, alias: string, version: number, options: TenantOptions) => {
      const [tenant, adapterName] = [parseTenantId(options.tenant), parseAdapterName(name)];
      await withRegistry(options.store, (registry) =>
        registry.setAlias(tenant, adapterName, { alias, version }),
      );
      io.stdout(
        options.json ? json({ name, alias, version }) : `${name}@${alias} is ${name}:${version} now.\n`,
      );
    });
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
