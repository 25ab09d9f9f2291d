// The two tiers of adapters in this process, each bounded in bytes, least recently used out first. A resident
// one has its weights in the slabs and nowhere else: forward passes read them there. One that had to leave them
// stays in memory, and comes back without a read. Loading is single-flight per key, and one that fails is not tried again at once.
// An adapter that a waiting batch uses keeps its slots until the batch is done.
import { LRUCache } from "lru-cache";
import type { EncoderConfig } from "../encoder/config.ts";
import { ModelError } from "../errors.ts";
import { must } from "../graph/ops.ts";
import {
  type Adapter,
  type GeneratorPooling,
  type InsertionShape,
  isLowRank,
  isScaleShift,
  type PromptGenerator,
  shapeOfInsertion,
  weightsOfInsertion,
} from "../spt/adapter.ts";
import { LowRankStore, type ScaledLowRank, scaleQueries } from "./low-rank-store.ts";
import { NormSlab, type RelativeNorms } from "./norm-slab.ts";
import { NO_OBSERVER, type RuntimeObserver } from "./observer.ts";
import type { PreparedBackbone } from "./prepared-backbone.ts";
import { POOLINGS } from "./serving-graph.ts";
import { type NewFloats, newSharedFloats } from "./shared-floats.ts";
import { Slab } from "./slab.ts";

/** An adapter whose insertions' weights are in slabs. */
export interface SlabAdapter extends Omit<Adapter, "insertions"> {
  readonly insertions: readonly InsertionShape[];
}

export interface ResidentAdapter {
  readonly adapter: SlabAdapter;
  readonly bytes: number;
  /** Where each insertion's weights stand, in the order of adapter.insertions. */
  readonly slots: readonly number[];
  uses: number;
  evicted: boolean;
}

/** Where the adapter's insertion of a kind at a layer stands; undefined where it has none. */
export function slotOf(
  { adapter, slots }: ResidentAdapter,
  kind: InsertionShape["kind"],
  layer: number,
): number | undefined {
  return slots[adapter.insertions.findIndex((one) => one.kind === kind && one.layer === layer)];
}

/** One that left the slabs. */
interface KeptAdapter extends Pick<ResidentAdapter, "adapter" | "bytes"> {
  /** In the order of adapter.insertions, as the slabs had them. */
  readonly weights: readonly SlabWeights[];
}

type SlabWeights = PromptGenerator | RelativeNorms | ScaledLowRank;

/** Adapters whose last load failed and that are remembered for it. */
const FAILURES_MAX = 10_000;
/** A load that failed is not tried again for so long, twice as long each time, until it succeeds. */
export const FAILURE_MS_MIN = 100;
const FAILURE_MS_MAX = 30_000;

type CacheObserver = Pick<RuntimeObserver, "adapterAsked" | "adapterEvicted">;

export interface AdapterCacheOptions {
  readonly observer?: CacheObserver;
  /** Of adapters that had to leave the slabs. Default 0: they leave for good. */
  readonly memoryBytesMax?: number;
  /** Default: memory that threads share. */
  readonly newFloats?: NewFloats;
}

interface Failure {
  readonly error: unknown;
  readonly waitMs: number;
  /** On the clock of performance.now(). */
  readonly untilMs: number;
}

export class AdapterCache {
  readonly #config: EncoderConfig;
  readonly #slabs: Record<GeneratorPooling, readonly Slab[]>;
  readonly #norms: readonly NormSlab[];
  readonly #lowRanks: readonly LowRankStore[];
  readonly #resident: LRUCache<string, ResidentAdapter>;
  /** Those that left the slabs; none is in both. */
  readonly #evicted: LRUCache<string, KeptAdapter> | undefined;
  readonly #observer: CacheObserver;
  readonly #loading = new Map<string, Promise<ResidentAdapter>>();
  readonly #failures = new LRUCache<string, Failure>({ max: FAILURES_MAX });

  constructor(
    { config, weights }: Pick<PreparedBackbone, "config" | "weights">,
    bytesMax: number,
    { observer = NO_OBSERVER, memoryBytesMax = 0, newFloats = newSharedFloats }: AdapterCacheOptions = {},
  ) {
    this.#observer = observer;
    this.#config = config;
    const slabs = (pooling: GeneratorPooling) =>
      Array.from({ length: config.layers }, () => new Slab(pooling, config.width, newFloats));
    this.#norms = weights.layers.map((layer) => new NormSlab(layer, newFloats));
    this.#lowRanks = weights.layers.map(() => new LowRankStore());
    this.#slabs = { mean: slabs("mean"), slots: slabs("slots") };
    this.#resident = new LRUCache<string, ResidentAdapter>({
      maxSize: bytesMax,
      sizeCalculation: ({ bytes }) => bytes,
      dispose: (entry, key) => this.#evict(key, entry),
    });
    if (memoryBytesMax === 0) return;
    this.#evicted = new LRUCache({
      maxSize: memoryBytesMax,
      sizeCalculation: ({ bytes }) => bytes,
      dispose: (_entry, _key, reason) => reason === "evict" && observer.adapterEvicted("memory"),
    });
  }

  slab(layer: number, pooling: GeneratorPooling): Slab {
    return must(this.#slabs[pooling][layer], `slab of layer ${layer}`);
  }

  norms(layer: number): NormSlab {
    return must(this.#norms[layer], `norms of layer ${layer}`);
  }

  lowRanks(layer: number): LowRankStore {
    return must(this.#lowRanks[layer], `low-rank updates of layer ${layer}`);
  }

  /** The adapter, loaded if need be and held until `release`. Rejects with ModelError. */
  async acquire(key: string, load: () => Promise<Adapter>): Promise<ResidentAdapter> {
    const startedMs = performance.now();
    // Held in the same turn: two that need each other's room would else drive each other out for ever.
    const resident = this.#resident.get(key);
    const here = resident ?? this.#bringBack(key);
    if (here) {
      here.uses += 1;
      this.#observer.adapterAsked(resident ? "resident" : "memory", performance.now() - startedMs);
      return here;
    }
    const entry = await this.#load(key, load).catch((error) => {
      this.#observer.adapterAsked("failed", performance.now() - startedMs);
      throw error;
    });
    if (entry.evicted) return this.acquire(key, load);
    entry.uses += 1;
    this.#observer.adapterAsked("loaded", performance.now() - startedMs);
    return entry;
  }

  release(entry: ResidentAdapter): void {
    entry.uses -= 1;
    if (entry.uses < 0) throw new Error(`invariant: an adapter is released once a use, got ${entry.uses}`);
    if (entry.evicted && entry.uses === 0) this.#free(entry);
  }

  /** Of adapters: resident ones, and those in memory alone. */
  get stats() {
    const slabs = [...POOLINGS.flatMap((pooling) => this.#slabs[pooling]), ...this.#norms, ...this.#lowRanks];
    const slabBytes = slabs.reduce((sum, slab) => sum + slab.bytes, 0);
    return {
      adapters: this.#resident.size,
      bytes: this.#resident.calculatedSize,
      slabBytes,
      memoryAdapters: this.#evicted?.size ?? 0,
      memoryBytes: this.#evicted?.calculatedSize ?? 0,
    };
  }

  #bringBack(key: string): ResidentAdapter | undefined {
    const kept = this.#evicted?.get(key);
    if (!kept) return undefined;
    this.#evicted?.delete(key);
    return this.#admit(key, kept);
  }

  #load(key: string, load: () => Promise<Adapter>): Promise<ResidentAdapter> {
    const pending = this.#loading.get(key);
    if (pending) return pending;
    const failure = this.#failures.get(key);
    if (failure && performance.now() < failure.untilMs) return Promise.reject(failure.error);
    const started = this.#tryLoad(key, load).finally(() => this.#loading.delete(key));
    this.#loading.set(key, started);
    return started;
  }

  async #tryLoad(key: string, load: () => Promise<Adapter>): Promise<ResidentAdapter> {
    try {
      const entry = this.#admit(key, this.#forSlabs(await load()));
      this.#failures.delete(key);
      return entry;
    } catch (error) {
      const waitedMs = this.#failures.get(key)?.waitMs ?? FAILURE_MS_MIN / 2;
      const waitMs = Math.min(2 * waitedMs, FAILURE_MS_MAX);
      this.#failures.set(key, { error, waitMs, untilMs: performance.now() + waitMs });
      throw error;
    }
  }

  #forSlabs(adapter: Adapter): KeptAdapter {
    assertFits(adapter, this.#config);
    const insertions = adapter.insertions.map(shapeOfInsertion);
    const weights = adapter.insertions.map((insertion): SlabWeights => {
      if (isScaleShift(insertion)) return this.norms(insertion.layer).relative(insertion);
      return isLowRank(insertion) ? scaleQueries(insertion, this.#config) : insertion;
    });
    return { adapter: { ...adapter, insertions }, bytes: adapterBytes(adapter), weights };
  }

  #admit(key: string, { adapter, bytes, weights }: KeptAdapter): ResidentAdapter {
    if (bytes > this.#resident.maxSize) {
      throw new ModelError(
        "invalid_adapter",
        `The adapter takes ${bytes} bytes, more than the whole adapter cache (${this.#resident.maxSize}). Raise the cache's limit.`,
      );
    }
    const slots = weights.map((one) => {
      if (one.kind === "scale_shift") return this.norms(one.layer).add(one);
      if (one.kind === "low_rank") return this.lowRanks(one.layer).add(one);
      return this.slab(one.layer, one.pooling).add(one);
    });
    const entry: ResidentAdapter = { adapter, bytes, slots, uses: 0, evicted: false };
    this.#resident.set(key, entry);
    return entry;
  }

  #evict(key: string, entry: ResidentAdapter): void {
    entry.evicted = true;
    this.#observer.adapterEvicted("resident");
    if (this.#evicted) {
      const weights = entry.adapter.insertions.map((shape, index) =>
        this.#slabOf(shape).read(must(entry.slots[index], "slot")),
      );
      this.#evicted.set(key, { adapter: entry.adapter, bytes: entry.bytes, weights });
    }
    if (entry.uses === 0) this.#free(entry);
  }

  #free({ adapter, slots }: ResidentAdapter): void {
    for (const [index, shape] of adapter.insertions.entries()) {
      this.#slabOf(shape).remove(must(slots[index], "slot"));
    }
  }

  #slabOf(shape: InsertionShape): Slab | NormSlab | LowRankStore {
    if (isScaleShift(shape)) return this.norms(shape.layer);
    return isLowRank(shape) ? this.lowRanks(shape.layer) : this.slab(shape.layer, shape.pooling);
  }
}

/** Throws ModelError backbone_mismatch. */
export function assertFits(adapter: Adapter, { width, layers, pooling }: EncoderConfig): void {
  if ((adapter.template !== undefined) !== (pooling === "mask")) {
    throw new ModelError(
      "backbone_mismatch",
      `The adapter has ${adapter.template === undefined ? "no" : "a"} template, and this backbone ${pooling === "mask" ? "reads every text through one" : "predicts no words"}. Serve it with the backbone its manifest names, or train it again on this one.`,
    );
  }
  const beyond = adapter.insertions.find((insertion) => insertion.layer >= layers);
  if (adapter.width === width && !beyond) return;
  throw new ModelError(
    "backbone_mismatch",
    `The adapter is for an encoder of width ${adapter.width}${beyond ? ` with a layer ${beyond.layer}` : ""}; this one has width ${width} and ${layers} layers. Serve it with the backbone its manifest names, or train it again on this one.`,
  );
}

function adapterBytes({ insertions, head }: Adapter): number {
  const arrays = [...insertions.flatMap(weightsOfInsertion), head.weight_CD, head.bias_C];
  return arrays.reduce((sum, { byteLength }) => sum + byteLength, 1);
}
