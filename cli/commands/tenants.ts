// softgate tenants: for the operator of a store. Makes tenants, says what they may have and have, and whose
// signatures they trust.
import { Command } from "commander";
import { KEY_SCOPES, parseTenantId } from "#registry";
import type { Io } from "../io.ts";
import { withRegistry } from "../open-registry.ts";
import { CLI_ACTOR, type StoreOptions, wholeNumber, withStore } from "../options.ts";
import { json, table } from "../output.ts";
import { printSecret } from "./keys.ts";
import { signingKeysCommand } from "./signing-keys.ts";
import { printUsage } from "./usage.ts";

interface LimitOptions extends StoreOptions {
  readonly adapters?: number;
  readonly versions?: number;
  readonly bytes?: number;
  readonly requestsPerMinute?: number;
  readonly textsPerMinute?: number;
}

export function tenantsCommand(io: Io): Command {
  return new Command("tenants")
    .description("make tenants; their limits, what they use, and keys that sign their versions")
    .addCommand(createCommand(io))
    .addCommand(listCommand(io))
    .addCommand(tenantUsageCommand(io))
    .addCommand(setLimitsCommand(io))
    .addCommand(signingKeysCommand(io));
}

function createCommand(io: Io): Command {
  return withStore(new Command("create"), io)
    .description("make a tenant, and a key that may do everything there; its secret is shown this once")
    .argument("<tenant>", "its name: a-z, 0-9, - _ . and at most 64 characters")
    .option("--description <text>", "whom the name stands for", "")
    .action(async (name: string, options: StoreOptions & { description: string }) => {
      const tenant = parseTenantId(name);
      const { made, key } = await withRegistry(options.store, async (registry) => {
        const { description } = options;
        const made = await registry.createTenant(tenant, { description, actor: CLI_ACTOR });
        const forKey = { scopes: KEY_SCOPES, actor: CLI_ACTOR };
        return { made, key: await registry.createKey(tenant, "the first key", forKey) };
      });
      const { record, secret } = key;
      if (options.json) return io.stdout(json({ ...made, key: { ...record, secret } }));
      printSecret(io, `Tenant ${tenant}, and key ${record.id} of it.`, secret);
    });
}

function listCommand(io: Io): Command {
  return withStore(new Command("list"), io)
    .description("tenants that have anything in the store")
    .action(async (options: StoreOptions) => {
      const tenants = await withRegistry(options.store, async (registry) => {
        const found = [];
        for await (const id of registry.listTenants()) found.push((await registry.getTenant(id)) ?? { id });
        return found;
      });
      if (options.json) return io.stdout(json({ tenants }));
      if (tenants.length === 0) return io.stdout("No tenants yet. Next: softgate tenants create NAME\n");
      const rows = tenants.map((tenant) =>
        "createdAt" in tenant ? [tenant.id, tenant.createdAt, tenant.description] : [tenant.id, "", ""],
      );
      io.stdout(table([["TENANT", "CREATED", "DESCRIPTION"], ...rows]));
    });
}

function tenantUsageCommand(io: Io): Command {
  return withStore(new Command("usage"), io)
    .description("adapters and bytes of a tenant, and its limits")
    .argument("<tenant>", "whose")
    .option("--recount", "count them anew in the store: after a crash, or once blobs were removed")
    .action(async (name: string, options: StoreOptions & { recount?: true }) => {
      const tenant = parseTenantId(name);
      const usage = await withRegistry(options.store, async (registry) => {
        if (options.recount) await registry.recountUsage(tenant);
        return registry.getUsage(tenant);
      });
      printUsage(io, options, usage);
    });
}

function setLimitsCommand(io: Io): Command {
  const [count, rate] = [wholeNumber(0, 1_000_000_000), wholeNumber(1, 1_000_000_000)];
  return withStore(new Command("set-limits").alias("limits"), io)
    .description("what a tenant may have, in place of what was set before; what is left out is the default")
    .argument("<tenant>", "whose")
    .option("--adapters <n>", "adapters that are not deleted", count)
    .option("--versions <n>", "versions of one adapter that are not deleted", count)
    .option("--bytes <n>", "of datasets and adapters' files", wholeNumber(0, Number.MAX_SAFE_INTEGER))
    .option("--requests-per-minute <n>", "to each server (default: any number)", rate)
    .option("--texts-per-minute <n>", "that each server classifies (default: any number)", rate)
    .action(async (name: string, options: LimitOptions) => {
      const tenant = parseTenantId(name);
      const { adapters, versions, bytes, requestsPerMinute, textsPerMinute } = options;
      const limits = {
        ...(adapters !== undefined && { adapters }),
        ...(versions !== undefined && { versionsPerAdapter: versions }),
        ...(bytes !== undefined && { bytes }),
        ...(requestsPerMinute !== undefined && { requestsPerMinute }),
        ...(textsPerMinute !== undefined && { textsPerMinute }),
      };
      const usage = await withRegistry(options.store, async (registry) => {
        await registry.setTenantLimits(tenant, limits, CLI_ACTOR);
        return registry.getUsage(tenant);
      });
      printUsage(io, options, usage);
    });
}
