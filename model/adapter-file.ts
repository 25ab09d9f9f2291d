// adapter ↔ bytes: adapter_model.safetensors and adapter_config.json, PEFT's file names.
import type { Adapter } from "./spt/adapter.ts";

export interface AdapterFiles {
  /** adapter_config.json, UTF-8 JSON. */
  readonly config: Uint8Array;
  /** adapter_model.safetensors. */
  readonly weights: Uint8Array;
}

export declare function serializeAdapter(
  adapter: Adapter,
  backbone: { id: string; digest: string },
): AdapterFiles;
export declare function parseAdapter(files: AdapterFiles): Adapter;
