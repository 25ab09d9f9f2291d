// The sixth step, classify: one session of the frozen backbone, many adapters, one forward pass.
import type { Backbone } from "../backbone.ts";
import type { Adapter } from "../spt/adapter.ts";
import type { TextInput } from "../tokenizer/tokenizer.ts";

/** Names an adapter to the cache. `load` is called once per key while it is resident. */
export interface AdapterHandle {
  /** Unique per tenant and content, for example "tenant/sha256:…". */
  readonly key: string;
  load(): Promise<Adapter>;
}

export interface ClassifierOptions {
  /** Bytes of adapter weights kept resident; least recently used adapters leave first. */
  readonly adapterCacheBytesMax?: number;
  /** Threads of one forward pass; 0 lets onnxruntime choose. */
  readonly threads?: number;
}

export interface Classification {
  /** Calibrated probability of class c at index c; sums to 1. */
  readonly scores_C: Float32Array;
  readonly labels: readonly string[];
  readonly truncated: boolean;
}

export declare class Classifier {
  static create(backbone: Backbone, options?: ClassifierOptions): Promise<Classifier>;
  readonly backbone: { readonly id: string; readonly digest: string };
  /** Queued, then computed together with whatever else waits. Rejects with ModelError. */
  classify(adapter: AdapterHandle, inputs: readonly TextInput[]): Promise<Classification[]>;
  close(): Promise<void>;
}
