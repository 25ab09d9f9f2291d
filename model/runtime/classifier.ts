// The sixth step, classify: one session of the frozen backbone, many adapters, one forward pass.
// Whatever waits when the session is free is computed together, up to a token budget.
import type { Backbone } from "../backbone.ts";
import { ModelError } from "../errors.ts";
import { must } from "../graph/ops.ts";
import { pairFeatures } from "../pair-features.ts";
import type { Adapter } from "../spt/adapter.ts";
import { isPairTemplate } from "../template.ts";
import type { Encoding, TextInput } from "../tokenizer/tokenizer.ts";
import { AdapterCache, type ResidentAdapter } from "./adapter-cache.ts";
import { type BatchItem, batchFeeds, promptTokensOf } from "./batch-feeds.ts";
import { servingGraph } from "./serving-graph.ts";
import { Session } from "./session.ts";

/** Positions of one forward pass, prompt tokens included; one longer text still runs alone. */
export const BATCH_TOKENS_MAX = 4096;
/** Texts that may wait for the session; more are refused. */
export const QUEUED_TEXTS_MAX = 20_000;
const ADAPTER_CACHE_BYTES_MAX = 512 * 1024 * 1024;

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

interface Waiting extends BatchItem {
  readonly settle: (result: Float32Array | Error) => void;
}

export class Classifier {
  readonly backbone: { readonly id: string; readonly digest: string };
  readonly #backbone: Backbone;
  readonly #session: Session;
  readonly #cache: AdapterCache;
  readonly #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;

  private constructor(backbone: Backbone, session: Session, cacheBytesMax: number) {
    this.backbone = { id: backbone.id, digest: backbone.digest };
    this.#backbone = backbone;
    this.#session = session;
    this.#cache = new AdapterCache(backbone, cacheBytesMax);
  }

  static async create(backbone: Backbone, options: ClassifierOptions = {}): Promise<Classifier> {
    const session = await Session.create(servingGraph(backbone), { threads: options.threads ?? 0 });
    return new Classifier(backbone, session, options.adapterCacheBytesMax ?? ADAPTER_CACHE_BYTES_MAX);
  }

  /**
   * Calibrated scores of each input, in order. Queued, then computed together with whatever else
   * waits. Rejects with ModelError (backbone_mismatch, invalid_adapter, pair_required,
   * classifier_overloaded) or with what `load` rejects with.
   */
  async classify(adapter: AdapterHandle, inputs: readonly TextInput[]): Promise<Classification[]> {
    if (this.#waiting.length + countTexts(inputs) > QUEUED_TEXTS_MAX) throw overloaded();
    const resident = await this.#cache.acquire(adapter.key, () => adapter.load());
    try {
      // All before any waits: one that is refused leaves none behind.
      const encoded = inputs.map((input) => this.#encode(resident.adapter, input));
      return await Promise.all(encoded.map((encodings) => this.#classifyOne(resident, encodings)));
    } finally {
      this.#cache.release(resident);
    }
  }

  /** One sequence, or two for a pair whose texts are read each alone. */
  #encode({ pairMode, template }: Adapter, input: TextInput): Encoding[] {
    const { tokenizer } = this.#backbone;
    if (template !== undefined) {
      if (isPairTemplate(template)) textsOfPair(input);
      return [tokenizer.encode(input, template)];
    }
    if (pairMode === "joint") return [tokenizer.encode(input)];
    return textsOfPair(input).map((text) => tokenizer.encode(text));
  }

  async #classifyOne(resident: ResidentAdapter, encodings: readonly Encoding[]): Promise<Classification> {
    const [first, second] = await Promise.all(encodings.map((one) => this.#enqueue(one, resident)));
    const vector = must(first, "vector");
    return {
      scores_C: scores(resident.adapter, second ? pairFeatures(vector, second) : vector),
      labels: resident.adapter.labels,
      truncated: encodings.some(({ truncated }) => truncated),
    };
  }

  /** Adapters and bytes resident. */
  get cacheStats() {
    return this.#cache.stats;
  }

  /** Waits for the pass that runs, refuses what waits. */
  async close(): Promise<void> {
    for (const item of this.#waiting.splice(0)) item.settle(overloaded());
    await this.#running;
    await this.#session.close();
  }

  #enqueue(encoding: Encoding, resident: ResidentAdapter): Promise<Float32Array> {
    return new Promise((resolve, reject) => {
      const settle = (result: Float32Array | Error) =>
        result instanceof Error ? reject(result) : resolve(result);
      this.#waiting.push({ encoding, resident, settle });
      this.#running ??= this.#drain();
    });
  }

  async #drain(): Promise<void> {
    // Let the texts of the same turn of the event loop join the first pass.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) await this.#runBatch(this.#takeBatch());
    this.#running = undefined;
  }

  #takeBatch(): Waiting[] {
    let tokens = 0;
    let count = 0;
    for (const { encoding, resident } of this.#waiting) {
      tokens += encoding.tokenIds.length + promptTokensOf(resident);
      if (count > 0 && tokens > BATCH_TOKENS_MAX) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #runBatch(items: readonly Waiting[]): Promise<void> {
    const { config } = this.#backbone;
    try {
      const { features } = await this.#session.run(batchFeeds(items, config, this.#cache), ["features"]);
      for (const [index, item] of items.entries()) {
        item.settle(features.subarray(index * config.width, (index + 1) * config.width));
      }
    } catch (error) {
      for (const item of items) item.settle(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

/** A pair counts as two: an adapter may read each of its texts alone. */
function countTexts(inputs: readonly TextInput[]): number {
  return inputs.reduce((count, input) => count + (typeof input === "string" ? 1 : 2), 0);
}

function textsOfPair(input: TextInput): [string, string] {
  if (typeof input !== "string") return [input.text, input.textPair];
  throw new ModelError(
    "pair_required",
    "This adapter classifies pairs of texts. Give each input as an object of text and textPair.",
  );
}

function overloaded(): ModelError {
  return new ModelError(
    "classifier_overloaded",
    "The classifier has too many texts waiting. Try again shortly.",
  );
}

/** softmax((weight_CD · features_D + bias_C) / temperature) */
function scores({ head, temperature }: Adapter, features_D: Float32Array): Float32Array {
  const width = features_D.length;
  const logits = head.bias_C.map((bias, label) => {
    let sum = bias;
    for (let d = 0; d < width; d++) sum += (head.weight_CD[label * width + d] ?? 0) * (features_D[d] ?? 0);
    return sum / temperature;
  });
  const top = logits.reduce((most, logit) => Math.max(most, logit), Number.NEGATIVE_INFINITY);
  const powers = logits.map((logit) => Math.exp(logit - top));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}
