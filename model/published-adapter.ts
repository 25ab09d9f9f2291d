// An adapter's files beside the manifest that a registry keeps of them: checked when a version is published and
// again whenever it is loaded, since what lies in a store may have come from anywhere.
import { isDeepStrictEqual } from "node:util";
import { type AdapterConfig, parseAdapterConfig } from "./adapter-config.ts";
import { type AdapterFiles, parseAdapter } from "./adapter-file.ts";
import { ModelError } from "./errors.ts";
import type { Adapter, OutOfScope } from "./spt/adapter.ts";

/** What a manifest says of the adapter, and its configuration must say too. */
export interface AdapterClaims {
  readonly backbone: { readonly id: string; readonly digest: string; readonly width: number };
  readonly labels: readonly string[];
  readonly insertions: AdapterConfig["softgate"]["insertions"];
  readonly temperature: number;
  readonly outOfScope?: OutOfScope;
}

/**
 * The adapter, where its tensors have exactly the names, dtypes and shapes that its configuration implies, all
 * values are finite, and the manifest says of it what the configuration says. Throws ModelError invalid_adapter
 * that names the tensor or the field.
 */
export function parsePublishedAdapter(files: AdapterFiles, manifest: AdapterClaims): Adapter {
  const adapter = parseAdapter(files);
  const claimed = claimsOf(parseAdapterConfig(files.config));
  const expected: AdapterClaims = {
    backbone: manifest.backbone,
    labels: manifest.labels,
    insertions: manifest.insertions,
    temperature: manifest.temperature,
    ...(manifest.outOfScope ? { outOfScope: manifest.outOfScope } : {}),
  };
  for (const field of ["backbone", "labels", "insertions", "temperature", "outOfScope"] as const) {
    if (isDeepStrictEqual(claimed[field], expected[field])) continue;
    const message = `Invalid adapter: the manifest and adapter_config.json differ in ${field}.`;
    throw new ModelError("invalid_adapter", message);
  }
  return adapter;
}

function claimsOf({ base_model_name_or_path: id, softgate }: AdapterConfig): AdapterClaims {
  const { backbone_digest: digest, width, labels, insertions, temperature, outOfScope } = softgate;
  const backbone = { id, digest, width };
  return { backbone, labels, insertions, temperature, ...(outOfScope ? { outOfScope } : {}) };
}
