// The report of a version that a server has.
import { z } from "zod";
import { type AdapterReference, parseAdapterName, parseTenantId } from "#registry";
import { parseReport, type ReportPage } from "#trainer/report";
import { RemoteError } from "../errors.ts";
import type { Client } from "./client.ts";
import { createRemoteRegistry } from "./remote-registry.ts";

const pageSchema = z.looseObject({
  ...{ name: z.string(), version: z.int(), digest: z.string(), createdAt: z.string(), backbone: z.string() },
  report: z.unknown(),
});

/** Throws RemoteError, TrainerError report_not_found. */
export async function readReportPage(
  client: Client,
  { name, version }: { name: string; version: number },
): Promise<ReportPage> {
  const path = `/v1/adapters/${encodeURIComponent(name)}/versions/${version}/report`;
  const { report, ...page } = pageSchema.parse(await client.get(path));
  const { digest, createdAt, backbone } = page;
  return { ...{ name, version, digest, createdAt, backbone }, report: parseReport(report) };
}

/** The version that is meant now. Throws RemoteError adapter_not_found, alias_not_found. */
export async function versionOf(client: Client, reference: AdapterReference): Promise<number> {
  if ("version" in reference) return reference.version;
  const tenant = parseTenantId("default");
  const aliases = await createRemoteRegistry(client).listAliases(tenant, parseAdapterName(reference.name));
  const found = aliases.find(({ alias }) => alias === reference.alias);
  if (found) return found.version;
  throw new RemoteError("alias_not_found", `${reference.name} has no alias ${reference.alias}.`, 404);
}
