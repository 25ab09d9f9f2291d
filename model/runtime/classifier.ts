// The sixth step, classify: one session of the frozen backbone, many adapters, one forward pass.
// A pass starts as soon as the session is free, with whatever waits then, up to a token budget; which of
// it goes first is fair between tenants. The same on every host: how sessions are opened is passed in.
import type { EncoderConfig } from "../encoder/config.ts";
import type { Precision } from "../encoder/linear.ts";
import { ModelError, OverloadError } from "../errors.ts";
import { must } from "../graph/ops.ts";
import { largest } from "../largest.ts";
import { pairFeatures } from "../pair-features.ts";
import type { Adapter } from "../spt/adapter.ts";
import { DEFAULT_TEMPLATES, isPairTemplate } from "../template.ts";
import type { Encoding, TextInput } from "../tokenizer/tokenizer.ts";
import { AdapterCache, type ResidentAdapter, type SlabAdapter } from "./adapter-cache.ts";
import { type BatchItem, batchFeeds, type Feeds, promptTokensOf } from "./batch-feeds.ts";
import { beforeDeadline } from "./before-deadline.ts";
import {
  ADAPTER_MEMORY_BYTES_DEFAULT,
  ADAPTER_RESIDENT_BYTES_DEFAULT,
  CLASSIFY_MS_DEFAULT,
  CLASSIFY_MS_MAX,
} from "./limits.ts";
import { NO_OBSERVER, type RequestObserver, type RuntimeObserver } from "./observer.ts";
import { Pace } from "./pace.ts";
import { fullPassTokens, passTokensOf } from "./pass-size.ts";
import type { PreparedBackbone } from "./prepared-backbone.ts";
import { type Lane, type PassSession, SessionPool } from "./session-pool.ts";
import type { NewFloats } from "./shared-floats.ts";
import { shareTexts } from "./shared-texts.ts";
import { TextCounts } from "./text-counts.ts";
import { type Queued, TokenQueue } from "./token-queue.ts";

/** Texts that may wait for the session, of all tenants and of one; more are refused. */
export const QUEUED_TEXTS_MAX = 20_000;
export const TENANT_QUEUED_TEXTS_MAX = 4_096;
const PROBE = "probe";
const PROBE_MS_MAX = 5_000;
/** One request's tokenizing holds the event loop no longer than this, and one text. */
const ENCODE_MS_MAX = 4;

/** Names an adapter. `load` is called once for a tenant and digest while it is resident. */
export interface AdapterHandle {
  /** Whose turn it is in the line of texts. */
  readonly tenant: string;
  /** Of the adapter's content. */
  readonly digest: string;
  load(): Promise<Adapter>;
}

export interface ClassifierLimits {
  /** Texts that may wait, of all tenants. Default QUEUED_TEXTS_MAX. */
  readonly queuedTextsMax?: number;
  /** Bytes of adapter weights kept resident; least recently used adapters leave first. */
  readonly adapterCacheBytesMax?: number;
  /** Bytes of those that left and are kept in memory all the same, to come back without a read. */
  readonly adapterMemoryBytesMax?: number;
  readonly observer?: RuntimeObserver;
}

/** What a classifier computes with: create-classifier.ts and edge-classifier.ts give it. */
export interface ClassifierSessions {
  readonly precision: Precision;
  readonly open: () => Promise<PassSession>;
  /** Passes at once. */
  readonly sessions: number;
  /** Memory that sessions read adapters' weights from; grows. */
  readonly newFloats: NewFloats;
  /** Positions of a pass, unless one text takes more. Default PASS_TOKENS_MAX. */
  readonly passTokensMax?: number;
}

/** What it needs of a backbone beside the sessions over it. */
export type ClassifierBackbone = Omit<PreparedBackbone, "graphFile" | "precision">;

export interface Classification {
  /** Calibrated probability of class c at index c; sums to 1. */
  readonly scores_C: Float32Array;
  readonly labels: readonly string[];
  readonly truncated: boolean;
  /** Whether the text is of none of the labels, by the adapter's threshold; never without one. */
  readonly outOfScope: boolean;
}

export interface ClassifyOptions {
  /** From now; at most CLASSIFY_MS_MAX. */
  readonly timeoutMs?: number;
  readonly observer?: RequestObserver;
}

interface Waiting extends BatchItem, Queued {
  /** On the clock of performance.now(), as is the next. */
  readonly queuedMs: number;
  readonly deadlineMs: number;
  readonly observer: RequestObserver | undefined;
  readonly settle: (result: Float32Array | Error) => void;
}

/** What the texts of one request have in common. */
type Place = Pick<Waiting, "resident" | "tenant" | "deadlineMs" | "observer">;

interface ClassifierParts {
  readonly precision: Precision;
  readonly pool: SessionPool;
  readonly cache: AdapterCache;
  readonly observer: RuntimeObserver;
  readonly passTokensMax: number | undefined;
  readonly queuedTextsMax: number;
}

export class Classifier {
  readonly backbone: { readonly id: string; readonly digest: string };
  readonly precision: Precision;
  readonly #backbone: Pick<ClassifierBackbone, "config" | "tokenizer">;
  readonly #pool: SessionPool;
  readonly #cache: AdapterCache;
  readonly #observer: RuntimeObserver;
  readonly #passTokensMax: number | undefined;
  readonly #queuedTextsMax: number;
  readonly #waiting = new TokenQueue<Waiting>();
  /** Of requests whose adapter is not there yet. */
  readonly #loading = new TextCounts();
  readonly #pace = new Pace();
  #runningTokens = 0;
  readonly #passes = new Set<Promise<void>>();
  #draining: Promise<void> | undefined;

  private constructor(
    backbone: Omit<ClassifierBackbone, "weights">,
    { precision, pool, cache, observer, passTokensMax, queuedTextsMax }: ClassifierParts,
  ) {
    const { id, digest, config, tokenizer } = backbone;
    this.backbone = { id, digest };
    this.precision = precision;
    // The session has the weights: the backbone's own may go.
    this.#backbone = { config, tokenizer };
    this.#pool = pool;
    this.#cache = cache;
    this.#observer = observer;
    this.#passTokensMax = passTokensMax;
    this.#queuedTextsMax = queuedTextsMax;
  }

  /** Rejects with what the opening of a session rejects with. */
  static async open(
    backbone: ClassifierBackbone,
    { precision, open, sessions, newFloats, passTokensMax }: ClassifierSessions,
    limits: ClassifierLimits = {},
  ): Promise<Classifier> {
    const { observer = NO_OBSERVER, queuedTextsMax = QUEUED_TEXTS_MAX } = limits;
    const { adapterCacheBytesMax = ADAPTER_RESIDENT_BYTES_DEFAULT } = limits;
    const { adapterMemoryBytesMax: memoryBytesMax = ADAPTER_MEMORY_BYTES_DEFAULT } = limits;
    const pool = await SessionPool.open(open, sessions);
    const cache = new AdapterCache(backbone, adapterCacheBytesMax, { observer, memoryBytesMax, newFloats });
    const parts = { precision, pool, cache, observer, passTokensMax, queuedTextsMax };
    return new Classifier(backbone, parts);
  }

  /**
   * Calibrated scores of each input, in order. Queued, then computed together with whatever else
   * waits. Rejects with ModelError (backbone_mismatch, invalid_adapter, pair_required), OverloadError
   * (classifier_overloaded, classifier_tenant_overloaded, deadline_unmet) or with what `load` rejects with.
   */
  async classify(
    adapter: AdapterHandle,
    inputs: readonly TextInput[],
    { timeoutMs = CLASSIFY_MS_DEFAULT, observer }: ClassifyOptions = {},
  ): Promise<Classification[]> {
    const deadlineMs = performance.now() + Math.min(timeoutMs, CLASSIFY_MS_MAX);
    const resident = await this.#acquire(adapter, { texts: countTexts(inputs), deadlineMs });
    try {
      const startedMs = performance.now();
      // All before any waits: one that is refused leaves none behind.
      const encoded = await inTurns(inputs, (input) => this.#encode(resident.adapter, input));
      observer?.phaseEnded("tokenize", startedMs, performance.now());
      const encodings = encoded.flat();
      this.#requireRoom(adapter.tenant, encodings.length);
      this.#requireTime(adapter.tenant, { encodings, resident, deadlineMs });
      const place = { resident, tenant: adapter.tenant, deadlineMs, observer };
      // The adapter is held until the last text is done with it, whatever became of the others.
      return await allDone(encoded.map((ofInput) => this.#classifyOne(place, ofInput)));
    } finally {
      this.#cache.release(resident);
    }
  }

  /** Loads an adapter, if need be, for requests to come. Rejects as `classify` does for an adapter. */
  async warm(adapter: AdapterHandle): Promise<void> {
    this.#cache.release(await this.#cache.acquire(keyOf(adapter), () => adapter.load()));
  }

  /** Held until it is released. An adapter that is slow to load holds up its own requests alone, and those not for ever. */
  async #acquire(
    adapter: AdapterHandle,
    { texts, deadlineMs }: { texts: number; deadlineMs: number },
  ): Promise<ResidentAdapter> {
    this.#requireRoom(adapter.tenant, texts);
    this.#loading.add(adapter.tenant, texts);
    try {
      const acquired = this.#cache.acquire(keyOf(adapter), () => adapter.load());
      const resident = await beforeDeadline(acquired, deadlineMs, (late) => this.#cache.release(late));
      if (resident) return resident;
      throw deadlineUnmet(0);
    } finally {
      this.#loading.add(adapter.tenant, -texts);
    }
  }

  /** Milliseconds until all sessions together have computed so many tokens. */
  #estimate(tokens: number): number {
    return this.#pace.estimate(tokens) / this.#pool.size;
  }

  #requireRoom(tenant: string, texts: number): void {
    const waiting = this.#waiting;
    const retryAfterMs = this.#estimate(waiting.tokens);
    if (waiting.length + this.#loading.total + texts > this.#queuedTextsMax) throw overloaded(retryAfterMs);
    const left = TENANT_QUEUED_TEXTS_MAX - waiting.lengthOf(tenant) - this.#loading.of(tenant);
    if (texts <= left) return;
    throw new OverloadError(
      "classifier_tenant_overloaded",
      `${TENANT_QUEUED_TEXTS_MAX - left} of your texts are waiting, and ${TENANT_QUEUED_TEXTS_MAX} may. Send more when answers have come.`,
      { retryAfterMs, quota: { name: "waiting-texts", most: TENANT_QUEUED_TEXTS_MAX, left } },
    );
  }

  /**
   * Tenants take turns, so a request waits for what its tenant has before it, as much of each other tenant,
   * or for all there is when that is less.
   */
  #requireTime(
    tenant: string,
    { encodings, resident, deadlineMs }: Pick<Waiting, "resident" | "deadlineMs"> & { encodings: Encoding[] },
  ): void {
    const own = encodings.reduce((sum, encoding) => sum + tokensOf(encoding, resident), 0);
    const ofTenant = this.#waiting.tokensOf(tenant) + own;
    const ahead = Math.min(this.#waiting.tokens + own, ofTenant * (this.#waiting.tenants + 1));
    const lateMs = performance.now() + this.#estimate(this.#runningTokens + ahead) - deadlineMs;
    if (lateMs > 0) throw deadlineUnmet(lateMs);
  }

  /** One sequence, or two for a pair whose texts are read each alone. */
  #encode({ pairMode, template }: SlabAdapter, input: TextInput): Encoding[] {
    const { tokenizer } = this.#backbone;
    if (template !== undefined) {
      if (isPairTemplate(template)) textsOfPair(input);
      return [tokenizer.encode(input, template)];
    }
    if (pairMode === "joint") return [tokenizer.encode(input)];
    return textsOfPair(input).map((text) => tokenizer.encode(text));
  }

  async #classifyOne(place: Place, encodings: readonly Encoding[]): Promise<Classification> {
    const { resident } = place;
    const [first, second] = await allDone(encodings.map((one) => this.#enqueue(one, place)));
    const vector = must(first, "vector");
    const { adapter } = resident;
    const logits_C = logits(adapter, second ? pairFeatures(vector, second) : vector);
    return {
      scores_C: scores(adapter, logits_C),
      labels: adapter.labels,
      outOfScope: isOutOfScope(adapter, logits_C),
      truncated: encodings.some(({ truncated }) => truncated),
    };
  }

  /** One word through the backbone, in the line with all else. Rejects with OverloadError. */
  async probe(): Promise<void> {
    const load = async () => withoutInsertions(this.#backbone.config);
    // No tenant's name is empty.
    await this.classify({ tenant: "", digest: PROBE, load }, [PROBE], { timeoutMs: PROBE_MS_MAX });
  }

  /** Texts in the line, those of the pass that runs aside. */
  get waitingTexts(): number {
    return this.#waiting.length;
  }

  /** Adapters and bytes resident. */
  get cacheStats() {
    return this.#cache.stats;
  }

  /** Waits for the passes that run, refuses what waits. */
  async close(): Promise<void> {
    for (const item of this.#waiting.takeAll()) item.settle(overloaded(0));
    await this.#draining;
    await Promise.all(this.#passes);
    await this.#pool.close();
  }

  #enqueue(encoding: Encoding, place: Place): Promise<Float32Array> {
    return new Promise((resolve, reject) => {
      const settle = (result: Float32Array | Error) =>
        result instanceof Error ? reject(result) : resolve(result);
      const tokens = tokensOf(encoding, place.resident);
      this.#waiting.add({ encoding, ...place, tokens, queuedMs: performance.now(), settle });
      this.#draining ??= this.#drain();
    });
  }

  async #drain(): Promise<void> {
    // Let the texts of the same turn of the event loop join the first pass.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const full = fullPassTokens(this.#pace, this.#passTokensMax);
      const isFull = this.#waiting.tokens >= full;
      // Before one is taken: it is idle no more then.
      const tokens = passTokensOf(this.#waiting.tokens, { idle: this.#pool.idle, full });
      const lane = this.#pool.take({ isFull });
      if (lane) this.#startPass(lane, tokens);
      else await earlier([...this.#passes], isFull ? this.#pool.nextTakeMs : undefined);
    }
    this.#draining = undefined;
  }

  #startPass(lane: Lane, tokens: number): void {
    const items = inTime(this.#waiting.take(tokens));
    if (items.length === 0) {
      this.#pool.release(lane);
      return;
    }
    const pass = this.#runBatch(lane, items).finally(() => {
      this.#pool.release(lane);
      this.#passes.delete(pass);
    });
    this.#passes.add(pass);
  }

  async #runBatch(lane: Lane, items: readonly Waiting[]): Promise<void> {
    const { config } = this.#backbone;
    const startedMs = performance.now();
    const { computed, indexOf } = shareTexts(items);
    const passTokens = computed.reduce((sum, { tokens }) => sum + tokens, 0);
    this.#runningTokens += passTokens;
    try {
      const feeds = batchFeeds(computed, config, this.#cache);
      const packedMs = performance.now();
      const { features, ranMs, endedMs } = await this.#pool.run(lane, feeds, {
        expectedMs: this.#pace.estimate(passTokens),
      });
      const runMs = endedMs - ranMs;
      this.#pace.record(passTokens, runMs);
      this.#observer.passEnded({
        texts: items.length,
        tokens: passTokens,
        fill: fillOf(computed, feeds),
        waitedMs: items.map(({ queuedMs }) => startedMs - queuedMs),
        packMs: packedMs - startedMs,
        runMs,
      });
      tellRequests(items, ranMs, endedMs);
      for (const [at, item] of items.entries()) {
        const index = must(indexOf[at], "index of a text");
        item.settle(features.subarray(index * config.width, (index + 1) * config.width));
      }
    } catch (error) {
      for (const item of items) item.settle(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#runningTokens -= passTokens;
    }
  }
}

/** Until one of the promises ends, or so many milliseconds are over. */
async function earlier(promises: readonly Promise<void>[], milliseconds: number | undefined): Promise<void> {
  if (milliseconds === undefined) return Promise.race(promises);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([...promises, over]);
  clearTimeout(timer);
}

function keyOf({ tenant, digest }: AdapterHandle): string {
  return `${tenant}/${digest}`;
}

/** As Promise.all, but rejects only when all have ended. */
async function allDone<Value>(promises: readonly Promise<Value>[]): Promise<Value[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

function withoutInsertions({ width, pooling }: EncoderConfig): Adapter {
  return {
    ...{ width, insertions: [], labels: [PROBE, PROBE], temperature: 1, pairMode: "joint" },
    ...(pooling === "mask" ? { template: DEFAULT_TEMPLATES.single } : {}),
    head: { weight_CD: new Float32Array(2 * width), bias_C: new Float32Array(2) },
  };
}

/** Positions that a text takes of a pass. */
function tokensOf({ tokenIds }: Encoding, resident: ResidentAdapter): number {
  return tokenIds.length + promptTokensOf(resident);
}

function fillOf(items: readonly Waiting[], { tokenIds }: Feeds): number {
  const tokens = items.reduce((sum, { encoding }) => sum + encoding.tokenIds.length, 0);
  return tokens / must(tokenIds, "token ids").data.length;
}

/** Each request of a pass once, whatever number of its texts was in it; the first in line waited longest. */
function tellRequests(items: readonly Waiting[], ranMs: number, endedMs: number): void {
  const queuedMs = new Map<RequestObserver, number>();
  for (const item of items) {
    if (item.observer && !queuedMs.has(item.observer)) queuedMs.set(item.observer, item.queuedMs);
  }
  for (const [observer, sinceMs] of queuedMs) {
    observer.phaseEnded("queue_wait", sinceMs, ranMs);
    observer.phaseEnded("forward_pass", ranMs, endedMs);
  }
}

/** Those that someone still waits for; the others are told. */
function inTime(items: readonly Waiting[]): Waiting[] {
  const nowMs = performance.now();
  return items.filter(({ deadlineMs, settle }) => {
    if (deadlineMs > nowMs) return true;
    settle(deadlineUnmet(nowMs - deadlineMs));
    return false;
  });
}

/** `map`, with a turn for others whenever it has taken ENCODE_MS_MAX. */
async function inTurns<In, Out>(items: readonly In[], map: (item: In) => Out): Promise<Out[]> {
  const mapped: Out[] = [];
  let startedMs = performance.now();
  for (const item of items) {
    if (performance.now() - startedMs > ENCODE_MS_MAX) {
      await new Promise((resolve) => setImmediate(resolve));
      startedMs = performance.now();
    }
    mapped.push(map(item));
  }
  return mapped;
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

function overloaded(retryAfterMs: number): OverloadError {
  return new OverloadError(
    "classifier_overloaded",
    "The classifier has too many texts waiting. Try again shortly.",
    { retryAfterMs },
  );
}

function deadlineUnmet(lateMs: number): OverloadError {
  return new OverloadError(
    "deadline_unmet",
    "This request cannot be answered within its time. Try again shortly, or allow it more.",
    { retryAfterMs: lateMs },
  );
}

/** weight_CD · features_D + bias_C */
function logits({ head }: SlabAdapter, features_D: Float32Array): Float32Array {
  const width = features_D.length;
  return head.bias_C.map((bias, label) => {
    let sum = bias;
    for (let d = 0; d < width; d++) sum += (head.weight_CD[label * width + d] ?? 0) * (features_D[d] ?? 0);
    return sum;
  });
}

/** softmax(logits_C / temperature) */
function scores({ temperature }: SlabAdapter, logits_C: Float32Array): Float32Array {
  const top = largest(logits_C);
  const powers = logits_C.map((logit) => Math.exp((logit - top) / temperature));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

function isOutOfScope({ outOfScope }: SlabAdapter, logits_C: Float32Array): boolean {
  return outOfScope !== undefined && largest(logits_C) < outOfScope.below;
}
