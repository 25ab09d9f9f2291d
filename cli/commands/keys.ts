// softgate keys: the credentials of the HTTP API. A key belongs to one tenant.
import { Command } from "commander";
import { type KeyRecord, parseTenantId } from "#registry";
import type { Io } from "../io.ts";
import { withRegistry } from "../open-registry.ts";
import { CLI_ACTOR, type StoreOptions, type TenantOptions, withStore, withTenant } from "../options.ts";
import { json, table } from "../output.ts";

export function keysCommand(io: Io): Command {
  return new Command("keys")
    .description("create, list and revoke keys of the HTTP API")
    .addCommand(createCommand(io))
    .addCommand(listCommand(io))
    .addCommand(revokeCommand(io));
}

function createCommand(io: Io): Command {
  return withTenant(new Command("create"), io)
    .description("make a key; its secret is shown this once")
    .option("--description <text>", "what the key is for", "made by softgate keys create")
    .action(async (options: TenantOptions & { description: string }) => {
      const { record, secret } = await withRegistry(options.store, (registry) =>
        registry.createKey(parseTenantId(options.tenant), options.description, CLI_ACTOR),
      );
      if (options.json) return io.stdout(json({ ...record, secret }));
      io.stderr(`Key ${record.id} of tenant ${record.tenant}. The secret is not shown again:\n`);
      io.stdout(`${secret}\n`);
    });
}

function listCommand(io: Io): Command {
  return withStore(new Command("list"), io)
    .description("keys, without their secrets")
    .option("--tenant <tenant>", "only this tenant's")
    .action(async (options: StoreOptions & { tenant?: string }) => {
      const tenant = options.tenant === undefined ? undefined : parseTenantId(options.tenant);
      const keys = await withRegistry(options.store, (registry) => registry.listKeys(tenant));
      if (options.json) return io.stdout(json({ keys }));
      if (keys.length === 0) return io.stdout("No keys yet. Next: softgate keys create\n");
      io.stdout(table([["ID", "TENANT", "CREATED", "STATE", "DESCRIPTION"], ...keys.map(rowOf)]));
    });
}

function revokeCommand(io: Io): Command {
  return withStore(new Command("revoke"), io)
    .description("end a key; requests with it get 401 from then on")
    .argument("<id>", "of the key, see softgate keys list")
    .action(async (id: string, options: StoreOptions) => {
      await withRegistry(options.store, (registry) => registry.revokeKey(id, CLI_ACTOR));
      io.stdout(options.json ? json({ id, revoked: true }) : `Revoked ${id}.\n`);
    });
}

function rowOf({ id, tenant, createdAt, revokedAt, description }: KeyRecord): string[] {
  return [id, tenant, createdAt, revokedAt === undefined ? "valid" : `revoked ${revokedAt}`, description];
}
