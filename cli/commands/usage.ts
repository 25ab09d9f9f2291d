// softgate usage: what a tenant has of what it may have.
import { Command } from "commander";
import { parseTenantId, type Usage } from "#registry";
import type { Io } from "../io.ts";
import { withPlace } from "../open-place.ts";
import { type JsonOption, type TenantOptions, withPlaceOptions } from "../options.ts";
import { json, table } from "../output.ts";

export function usageCommand(io: Io): Command {
  return withPlaceOptions(new Command("usage"), io)
    .description("adapters and bytes of a tenant, and its limits")
    .action(async (options: TenantOptions) => {
      const tenant = parseTenantId(options.tenant);
      printUsage(io, options, await withPlace(options, io, (registry) => registry.getUsage(tenant)));
    });
}

export function printUsage(io: Io, options: JsonOption, usage: Usage): void {
  io.stdout(options.json ? json(usage) : tableOf(usage));
}

function tableOf(usage: Usage): string {
  const { adapters, versionsPerAdapter, bytes, requestsPerMinute, textsPerMinute } = usage;
  return table([
    ["", "USED", "LIMIT"],
    ["adapters", String(adapters.used), String(adapters.limit)],
    ["versions of an adapter", "", String(versionsPerAdapter.limit)],
    ["bytes", String(bytes.used), String(bytes.limit)],
    ["requests a minute", "", rateOf(requestsPerMinute)],
    ["texts a minute", "", rateOf(textsPerMinute)],
  ]);
}

function rateOf(rate: { limit: number } | undefined): string {
  return rate === undefined ? "none" : String(rate.limit);
}
