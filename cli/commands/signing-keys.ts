// softgate tenants signing-keys: for the operator of a store. Whose signatures a tenant trusts, and whether its
// versions must have one.
import { Command } from "commander";
import { parseTenantId, type SigningKey } from "#registry";
import type { Io } from "../io.ts";
import { withRegistry } from "../open-registry.ts";
import { CLI_ACTOR, type StoreOptions, withStore } from "../options.ts";
import { json, table } from "../output.ts";
import { readKeyFile } from "../signing-key-file.ts";

export function signingKeysCommand(io: Io): Command {
  return new Command("signing-keys")
    .description("keys that sign a tenant's versions, and whether versions must be signed")
    .addCommand(addCommand(io))
    .addCommand(listCommand(io))
    .addCommand(removeCommand(io))
    .addCommand(requireCommand(io));
}

function addCommand(io: Io): Command {
  return withStore(new Command("add"), io)
    .description("trust a public key")
    .argument("<tenant>", "whose")
    .argument("<file>", "with the public key, as softgate signing-key new prints it")
    .option("--name <text>", "whose key it is, for people", "")
    .action(async (name: string, file: string, options: StoreOptions & { name: string }) => {
      const tenant = parseTenantId(name);
      const publicKey = await readKeyFile(file);
      const key = await withRegistry(options.store, (registry) =>
        registry.addSigningKey(tenant, { publicKey, name: options.name }, CLI_ACTOR),
      );
      io.stdout(options.json ? json(key) : `Versions of ${tenant} may be signed with ${key.id}.\n`);
    });
}

function listCommand(io: Io): Command {
  return withStore(new Command("list"), io)
    .description("keys that sign, and whether versions must be signed")
    .argument("<tenant>", "whose")
    .action(async (name: string, options: StoreOptions) => {
      const tenant = parseTenantId(name);
      const settings = await withRegistry(options.store, (registry) => registry.getSigning(tenant));
      if (options.json) return io.stdout(json(settings));
      const { required, keys } = settings;
      io.stdout(`Signatures are ${required ? "required" : "not required"}.\n`);
      if (keys.length > 0) io.stdout(table([["ID", "ADDED", "STATE", "NAME"], ...keys.map(rowOf)]));
    });
}

function rowOf({ id, addedAt, revokedAt, name }: SigningKey): string[] {
  return [id, addedAt, revokedAt === undefined ? "valid" : `revoked ${revokedAt}`, name];
}

function removeCommand(io: Io): Command {
  return withStore(new Command("rm"), io)
    .description("revoke a key: where signatures are required, what it has signed is refused from then on")
    .argument("<tenant>", "whose")
    .argument("<id>", "of the key, see softgate tenants signing-keys list")
    .action(async (name: string, id: string, options: StoreOptions) => {
      const tenant = parseTenantId(name);
      const key = await withRegistry(options.store, (registry) =>
        registry.revokeSigningKey(tenant, id, CLI_ACTOR),
      );
      io.stdout(options.json ? json(key) : `${id} is revoked.\n`);
    });
}

function requireCommand(io: Io): Command {
  return withStore(new Command("require"), io)
    .description("refuse versions that are not signed with a valid key: to publish, promote and answer")
    .argument("<tenant>", "whose")
    .option("--off", "take them again")
    .action(async (name: string, options: StoreOptions & { off?: true }) => {
      const tenant = parseTenantId(name);
      const settings = await withRegistry(options.store, (registry) =>
        registry.requireSignatures(tenant, !options.off, CLI_ACTOR),
      );
      if (options.json) return io.stdout(json(settings));
      io.stdout(`${tenant} ${settings.required ? "requires signatures" : "takes unsigned versions"}.\n`);
    });
}
