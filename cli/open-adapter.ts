// A published adapter on its backbone in this process, for the commands that classify without a server.
import { type Backbone, ModelError, parsePublishedAdapter, type TextInput } from "#model";
import type { Classification, Classifier } from "#model/runtime";
import { parseAdapterReference, parseTenantId, type ResolvedAdapter } from "#registry";
import { loadBackbone } from "#registry/backbones";
import type { Io } from "./io.ts";
import { withRegistry } from "./open-registry.ts";
import type { TenantOptions } from "./options.ts";
import { findOrPull } from "./pull.ts";

export interface OpenAdapter {
  readonly resolved: ResolvedAdapter;
  /** How the backbone is computed. */
  readonly precision: Classifier["precision"];
  classify(inputs: readonly TextInput[]): Promise<Classification[]>;
}

export interface OpenAdapterOptions extends TenantOptions {
  readonly adapter: string;
  /** Default: the backbone that the adapter's manifest names. */
  readonly backbone?: string;
}

export async function withAdapter<Result>(
  options: OpenAdapterOptions,
  io: Io,
  use: (adapter: OpenAdapter) => Promise<Result>,
): Promise<Result> {
  const tenant = parseTenantId(options.tenant);
  const reference = parseAdapterReference(options.adapter);
  const { resolved, adapter } = await withRegistry(options.store, async (registry) => {
    const resolved = await registry.resolve(tenant, reference);
    const files = await registry.readFiles(tenant, resolved.manifest);
    return { resolved, adapter: parsePublishedAdapter(files, resolved.manifest) };
  });
  const classifier = await openClassifier(resolved, options, io);
  try {
    const handle = { tenant, digest: resolved.digest, load: async () => adapter };
    const { precision } = classifier;
    return await use({ resolved, precision, classify: (inputs) => classifier.classify(handle, inputs) });
  } finally {
    await classifier.close();
  }
}

async function openClassifier(
  resolved: ResolvedAdapter,
  options: OpenAdapterOptions,
  io: Io,
): Promise<Classifier> {
  const backbone = await loadBackboneOf(resolved, options, io);
  // Loaded late: most commands need no native code, and start faster without.
  const { createClassifier } = await import("#model/runtime");
  return createClassifier(backbone);
}

/** The backbone that an adapter was trained on, or the one that is named if it is the same. Throws backbone_mismatch. */
export async function loadBackboneOf(
  { name, version, manifest }: { name: string; version: number; manifest: ResolvedAdapter["manifest"] },
  options: { readonly backbone?: string; readonly json?: true },
  io: Io,
): Promise<Backbone> {
  const entry = await findOrPull(options.backbone ?? manifest.backbone.id, io, {
    silent: options.json === true,
  });
  const backbone = await loadBackbone(entry);
  if (backbone.digest === manifest.backbone.digest) return backbone;
  throw new ModelError(
    "backbone_mismatch",
    `Adapter ${name}:${version} was trained on backbone ${manifest.backbone.id} (${manifest.backbone.digest}); ` +
      `${entry.folder} holds ${backbone.digest}. Name the right folder with --backbone.`,
  );
}
