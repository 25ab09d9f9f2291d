// A resolved version → what the classifier is asked with: whose it is, its digest, and how it is loaded. Its bytes
// are read and checked once per residency in the classifier's cache.
import { type Adapter, ModelError, parseAdapter } from "#model";
import type { Registry } from "#registry";
import type { ResolvedAdapter, Services, TenantId } from "./services.ts";

export interface AdapterOfTenant {
  readonly tenant: TenantId;
  readonly digest: string;
  load(): Promise<Adapter>;
}

/** `load` rejects with what reading it does (RegistryError), or with ModelError invalid_adapter. */
export function adapterOf(
  registry: Pick<Registry, "readFiles">,
  tenant: TenantId,
  resolved: ResolvedAdapter,
): AdapterOfTenant {
  return { tenant, digest: resolved.digest, load: () => loadAdapter(registry, tenant, resolved) };
}

/** An adapter steers only the backbone it was trained on. Throws ModelError backbone_mismatch. */
export function requireSameBackbone(
  { name, version, manifest }: ResolvedAdapter,
  held: Services["backbone"],
): void {
  const trainedOn = manifest.backbone;
  if (trainedOn.digest === held.digest) return;
  throw new ModelError(
    "backbone_mismatch",
    `Adapter ${name}:${version} was trained on backbone ${trainedOn.id} (${trainedOn.digest}); this server ` +
      `holds ${held.id} (${held.digest}). Train the adapter again here, or ask a server with its backbone.`,
  );
}

async function loadAdapter(
  registry: Pick<Registry, "readFiles">,
  tenant: TenantId,
  resolved: ResolvedAdapter,
): Promise<Adapter> {
  const { manifest } = resolved;
  const adapter = parseAdapter(await registry.readFiles(tenant, manifest));
  const isSame =
    adapter.labels.length === manifest.labels.length &&
    adapter.labels.every((label, index) => label === manifest.labels[index]);
  if (isSame) return adapter;
  throw new ModelError(
    "invalid_adapter",
    `The labels of ${resolved.name}:${resolved.version} are not those of its manifest; train it again.`,
  );
}
