// Pages of a tenant's adapters: one listing of names for each so many, and one read for each adapter, of its
// state, which says what a list needs. Only of adapters whose state does not (of an earlier Softgate, or whose
// first publish died before its alias was moved) are manifests read. States are read past the cache, so that a
// list of all adapters does not push out those that requests resolve.
import { type AdapterState, EMPTY_STATE, stateSchema } from "./adapter-state.ts";
import type { RegistryContext } from "./context.ts";
import { describeVersion } from "./describe-version.ts";
import { findLatestVersion, findVersion } from "./find-version.ts";
import type { LatestVersion } from "./latest-version.ts";
import { type AdapterOwner, adaptersPrefix, lastSegment, stateKey } from "./layout.ts";
import { ADAPTERS_PER_PAGE_MAX, ADAPTERS_SEARCHED_PER_PAGE_MAX } from "./limits.ts";
import { mapInParallel } from "./map-in-parallel.ts";
import { clampLimit, readRecord } from "./records.ts";
import { type AdapterSummary, type AdaptersPage, parseAdapterName, type TenantId } from "./registry.ts";

/** As Registry.listAdapters. Throws invalid_name. */
export async function listAdapters(
  context: RegistryContext,
  tenant: TenantId,
  page: AdaptersPage = {},
): Promise<{ adapters: AdapterSummary[]; next?: string }> {
  const limit = clampLimit(page.limit, ADAPTERS_PER_PAGE_MAX);
  const isSearch = page.label !== undefined || page.backbone !== undefined;
  const adapters: AdapterSummary[] = [];
  let looked = 0;
  let after = page.after;
  do {
    const { names, next } = await listNames(context, tenant, { ...page, after, limit });
    const found = await mapInParallel(names, (name) => summarize(context, { tenant, name }, page));
    for (const [index, summary] of found.entries()) {
      if (summary) adapters.push(summary);
      const name = names[index];
      const isLast = index === names.length - 1 && next === undefined;
      if (adapters.length === limit && !isLast && name !== undefined) return { adapters, next: name };
    }
    if (next === undefined) return { adapters };
    after = next;
    looked += names.length;
  } while (isSearch && looked < ADAPTERS_SEARCHED_PER_PAGE_MAX);
  return { adapters, next: after };
}

async function listNames(
  { store }: RegistryContext,
  tenant: TenantId,
  { prefix = "", after, limit }: { prefix?: string; after: string | undefined; limit: number },
) {
  const folder = adaptersPrefix(tenant);
  const { prefixes, next } = await store.list({
    prefix: `${folder}${prefix === "" ? "" : parseAdapterName(prefix)}`,
    delimiter: "/",
    limit,
    ...(after !== undefined && { after: `${folder}${parseAdapterName(after)}/` }),
  });
  const names = prefixes.map((key) => parseAdapterName(lastSegment(key)));
  return { names, next: next === undefined ? undefined : lastSegment(next) };
}

/** Undefined where the adapter is not there, is deleted, or is not what is searched for. */
async function summarize(
  context: RegistryContext,
  owner: AdapterOwner,
  wanted: Pick<AdaptersPage, "label" | "backbone">,
): Promise<AdapterSummary | undefined> {
  const state = (await readRecord(context.store, stateKey(owner), stateSchema))?.value ?? EMPTY_STATE;
  if (state.deleted) return undefined;
  const latest = state.latest ?? (await readLatest(context, owner, state));
  if (!latest || !(await fits(context, owner, { latest, ...wanted }))) return undefined;
  const { version: latestVersion, ...rest } = latest;
  const aliases = Object.fromEntries(state.aliases.map(({ alias, version }) => [alias, version]));
  return { name: owner.name, latestVersion, aliases, ...rest };
}

async function readLatest(
  context: RegistryContext,
  owner: AdapterOwner,
  state: AdapterState,
): Promise<LatestVersion | undefined> {
  const version = await findLatestVersion(context, owner, state);
  return version === undefined ? undefined : describeVersion(context, owner, version);
}

/** Only where the state could not hold all labels, and not the wanted one, is the manifest read. */
async function fits(
  context: RegistryContext,
  owner: AdapterOwner,
  { latest, label, backbone }: { latest: LatestVersion } & Pick<AdaptersPage, "label" | "backbone">,
): Promise<boolean> {
  if (backbone !== undefined && latest.backbone.id !== backbone) return false;
  if (label === undefined || latest.labels.includes(label)) return true;
  if (latest.labels.length === latest.labelCount) return false;
  const found = await findVersion(context, owner, latest.version);
  return found?.manifest.labels.includes(label) ?? false;
}
