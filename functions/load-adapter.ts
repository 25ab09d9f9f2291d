// A resolved version → what the classifier is asked with: whose it is, its digest, and how it is loaded. Its bytes
// are read and checked once per residency in the classifier's cache.
import { type Adapter, ModelError, parsePublishedAdapter } from "#model";
import type { Registry } from "#registry";
import type { Scope } from "./scope.ts";
import type { ResolvedAdapter, Services, TenantId } from "./services.ts";

export interface AdapterOfTenant {
  readonly tenant: TenantId;
  readonly digest: string;
  load(): Promise<Adapter>;
}

const NOBODY = { phaseEnded: () => undefined };

/** `load` rejects with what reading it does (RegistryError), or with ModelError invalid_adapter. */
export function adapterOf(
  registry: Pick<Registry, "readFiles">,
  tenant: TenantId,
  resolved: ResolvedAdapter,
  scope: Pick<Scope, "phaseEnded"> = NOBODY,
): AdapterOfTenant {
  const load = async () => {
    const startedMs = performance.now();
    const files = await registry.readFiles(tenant, resolved.manifest);
    const adapter = parsePublishedAdapter(files, resolved.manifest);
    scope.phaseEnded("load", startedMs, performance.now());
    return adapter;
  };
  return { tenant, digest: resolved.digest, load };
}

/** An adapter steers only the backbone it was trained on. Throws ModelError backbone_mismatch. */
export function requireSameBackbone(
  { name, version, manifest }: ResolvedAdapter,
  held: Services["backbone"],
): void {
  const trainedOn = manifest.backbone;
  if (trainedOn.digest === held.digest) {
    requireSameEncoder({ name, version, manifest }, held);
    return;
  }
  throw new ModelError(
    "backbone_mismatch",
    `Adapter ${name}:${version} was trained on backbone ${trainedOn.id} (${trainedOn.digest}); this server ` +
      `holds ${held.id} (${held.digest}). Train the adapter again here, or ask a server with its backbone.`,
  );
}

/** Another version of Softgate may round the backbone's weights in another way. */
function requireSameEncoder(
  { name, version, manifest }: Pick<ResolvedAdapter, "name" | "version" | "manifest">,
  { int8Digest }: Services["backbone"],
): void {
  const expected = manifest.encoders?.int8;
  if (expected === undefined || int8Digest === undefined || expected === int8Digest) return;
  throw new ModelError(
    "backbone_mismatch",
    `Adapter ${name}:${version} was made for the int8 encoder ${expected}; this server's is ${int8Digest}. ` +
      "Train the adapter again here, or serve with --precision fp32.",
  );
}
