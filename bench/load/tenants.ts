// Many tenants in a store, each with a key and one adapter of random weights: what a server is asked for.
import { type Backbone, parsePublishedAdapter, serializeAdapter, shapeOfInsertion } from "#model";
import { createRegistry, openObjectStore, parseAdapterName, parseTenantId, type Registry } from "#registry";
import packageJson from "../../package.json" with { type: "json" };
import { type AdapterKind, makeAdapter } from "../serve/resident-adapters.ts";

export interface Tenant {
  readonly id: string;
  /** Of the HTTP API. */
  readonly secret: string;
}

export const ADAPTER_NAME = "router";
const PUBLISHED_AT_ONCE = 8;

/** Adapter i is makeAdapter(config, i, kindOf(i)). */
export async function publishTenants(
  { storeUrl, backbone, count }: { storeUrl: string; backbone: Backbone; count: number },
  onTenant: (done: number) => void,
): Promise<Tenant[]> {
  const store = await openObjectStore(storeUrl);
  try {
    const registry = createRegistry({ store, checkAdapter: parsePublishedAdapter });
    const tenants: Tenant[] = [];
    for (let first = 0; first < count; first += PUBLISHED_AT_ONCE) {
      const indices = Array.from(
        { length: Math.min(PUBLISHED_AT_ONCE, count - first) },
        (_, at) => first + at,
      );
      tenants.push(...(await Promise.all(indices.map((index) => publishTenant(registry, backbone, index)))));
      onTenant(tenants.length);
    }
    return tenants;
  } finally {
    await store.close();
  }
}

/** Every other tenant's adapter holds prompts, the others scales and shifts. */
export function kindOf(index: number): AdapterKind {
  return index % 2 === 0 ? "spt" : "scales";
}

async function publishTenant(registry: Registry, backbone: Backbone, index: number): Promise<Tenant> {
  const id = `tenant-${index}`;
  const { secret } = await registry.createKey(parseTenantId(id), "bench");
  await publishAdapter(registry, backbone, { tenant: id, seed: index });
  return { id, secret };
}

/** A version of the tenant's adapter, makeAdapter(config, seed, kindOf(seed)), that production moves to. */
export async function publishAdapter(
  registry: Registry,
  backbone: Backbone,
  { tenant, seed }: { tenant: string; seed: number },
): Promise<{ digest: string; version: number }> {
  const adapter = makeAdapter(backbone.config, seed, kindOf(seed));
  return registry.publish(parseTenantId(tenant), {
    name: parseAdapterName(ADAPTER_NAME),
    files: serializeAdapter(adapter, backbone),
    manifest: {
      createdBy: { softgate: packageJson.version },
      backbone: { id: backbone.id, digest: backbone.digest, width: backbone.config.width },
      labels: [...adapter.labels],
      insertions: adapter.insertions.map(shapeOfInsertion),
      temperature: adapter.temperature,
      dataset: { digest: `sha256:${"0".repeat(64)}`, rows: 1 },
      report: {},
    },
    alias: "production",
  });
}
