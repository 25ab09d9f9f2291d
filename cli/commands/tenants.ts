// softgate tenants: for the operator of a store. What a tenant may have, what it has, whose signatures it trusts.
import { Command } from "commander";
import { parseTenantId, type Registry, type Usage } from "#registry";
import type { Io } from "../io.ts";
import { withRegistry } from "../open-registry.ts";
import { CLI_ACTOR, type StoreOptions, wholeNumber, withStore } from "../options.ts";
import { json, table } from "../output.ts";
import { signingKeysCommand } from "./signing-keys.ts";

interface LimitOptions extends StoreOptions {
  readonly adapters?: number;
  readonly versions?: number;
  readonly bytes?: number;
}

export function tenantsCommand(io: Io): Command {
  return new Command("tenants")
    .description("limits of tenants, what they use, and keys that sign their versions")
    .addCommand(usageCommand(io))
    .addCommand(setLimitsCommand(io))
    .addCommand(signingKeysCommand(io));
}

function usageCommand(io: Io): Command {
  return withStore(new Command("usage"), io)
    .description("adapters and bytes of a tenant, and its limits")
    .argument("<tenant>", "whose")
    .option("--recount", "count them anew in the store: after a crash, or once blobs were removed")
    .action(async (name: string, options: StoreOptions & { recount?: true }) => {
      const tenant = parseTenantId(name);
      await show(io, options, async (registry) => {
        if (options.recount) await registry.recountUsage(tenant);
        return registry.getUsage(tenant);
      });
    });
}

function setLimitsCommand(io: Io): Command {
  const count = wholeNumber(0, 1_000_000_000);
  return withStore(new Command("set-limits"), io)
    .description("what a tenant may have, in place of what was set before; what is left out is the default")
    .argument("<tenant>", "whose")
    .option("--adapters <n>", "adapters that are not deleted", count)
    .option("--versions <n>", "versions of one adapter that are not deleted", count)
    .option("--bytes <n>", "of datasets and adapters' files", wholeNumber(0, Number.MAX_SAFE_INTEGER))
    .action(async (name: string, options: LimitOptions) => {
      const tenant = parseTenantId(name);
      const { adapters, versions, bytes } = options;
      const limits = {
        ...(adapters !== undefined && { adapters }),
        ...(versions !== undefined && { versionsPerAdapter: versions }),
        ...(bytes !== undefined && { bytes }),
      };
      await show(io, options, async (registry) => {
        await registry.setTenantLimits(tenant, limits, CLI_ACTOR);
        return registry.getUsage(tenant);
      });
    });
}

async function show(
  io: Io,
  options: StoreOptions,
  work: (registry: Registry) => Promise<Usage>,
): Promise<void> {
  const usage = await withRegistry(options.store, work);
  if (options.json) return io.stdout(json(usage));
  const { adapters, versionsPerAdapter, bytes } = usage;
  io.stdout(
    table([
      ["", "USED", "LIMIT"],
      ["adapters", String(adapters.used), String(adapters.limit)],
      ["versions of an adapter", "", String(versionsPerAdapter.limit)],
      ["bytes", String(bytes.used), String(bytes.limit)],
    ]),
  );
}
