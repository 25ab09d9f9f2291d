// The frozen encoder as the trainer reads it: the states that enter a layer, and the final vector of
// each text. What does not change during a training is computed once per example and kept, up to a
// byte limit; beyond it, computed again for each batch.
import type { Backbone, Device, Encoding } from "#model";
import { encodeTexts, type PackedBatch, packedFeeds, packTexts } from "#model/encoder";
import { GraphBuilder, must } from "#model/graph";
import { Session } from "#model/runtime/session";
import { pick } from "./pick-rows.ts";

/** Frozen states [L, D] of the examples at the given indices. */
export type StatesSource = (indices: readonly number[]) => Promise<Float32Array[]>;

/** Kept states, of all layers together. */
export const STATES_BYTES_MAX = 1024 * 1024 * 1024;
const BATCH_TOKENS = 4096;

export interface FrozenEncoderOptions {
  /** 0, the default, lets onnxruntime choose. */
  readonly threads?: number;
  /** Default: the CPU. */
  readonly device?: Device;
  /** Asked before each forward pass. */
  readonly signal?: AbortSignal;
  /** Default STATES_BYTES_MAX. */
  readonly statesBytesMax?: number;
}

type Output = "features" | `states ${number}`;

export class FrozenEncoder {
  readonly backbone: Backbone;
  /** One for each output: onnxruntime computes all of a graph, and states need only the layers below them. */
  readonly #sessions = new Map<Output, Promise<Session>>();
  readonly #options: Required<Pick<FrozenEncoderOptions, "statesBytesMax">> & FrozenEncoderOptions;
  #statesBytes = 0;

  private constructor(backbone: Backbone, options: FrozenEncoderOptions) {
    this.backbone = backbone;
    this.#options = { statesBytesMax: STATES_BYTES_MAX, ...options };
  }

  static async create(backbone: Backbone, options: FrozenEncoderOptions = {}): Promise<FrozenEncoder> {
    const frozen = new FrozenEncoder(backbone, options);
    await frozen.#session("features");
    return frozen;
  }

  /** Unit-length vectors [n, D]. */
  async features(encodings: readonly Encoding[]): Promise<Float32Array> {
    const { width } = this.backbone.config;
    const all = new Float32Array(encodings.length * width);
    for (const indices of batchesByTokens(encodings)) {
      const { features } = await this.#run(pick(encodings, indices), "features");
      for (const [at, index] of indices.entries()) {
        all.set(features.subarray(at * width, (at + 1) * width), index * width);
      }
    }
    return all;
  }

  /** Each text's own states [L, D] as they enter `layer`. */
  async statesEntering(layer: number, encodings: readonly Encoding[]): Promise<Float32Array[]> {
    const { width } = this.backbone.config;
    const all: Float32Array[] = [];
    for (const indices of batchesByTokens(encodings)) {
      const { batch, features: states } = await this.#run(pick(encodings, indices), `states ${layer}`);
      for (const [at, index] of indices.entries()) {
        const { offset, length } = must(batch.placements[at], "placement");
        all[index] = states.slice(offset * width, (offset + length) * width);
      }
    }
    return all;
  }

  /** States by example index: kept while all that are kept fit the limit, computed for each batch otherwise. */
  async statesSource(layer: number, encodings: readonly Encoding[]): Promise<StatesSource> {
    const tokens = encodings.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
    const bytes = tokens * this.backbone.config.width * Float32Array.BYTES_PER_ELEMENT;
    if (this.#statesBytes + bytes > this.#options.statesBytesMax) {
      return (indices) => this.statesEntering(layer, pick(encodings, indices));
    }
    this.#statesBytes += bytes;
    const kept = await this.statesEntering(layer, encodings);
    await this.#close(`states ${layer}`);
    return async (indices) => pick(kept, indices);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sessions.keys()].map((output) => this.#close(output)));
  }

  async #close(output: Output): Promise<void> {
    const session = this.#sessions.get(output);
    this.#sessions.delete(output);
    await (await session)?.close();
  }

  #session(output: Output): Promise<Session> {
    const known = this.#sessions.get(output);
    if (known) return known;
    const { threads = 0, device } = this.#options;
    const session = Session.create(frozenGraph(this.backbone, output), {
      threads,
      ...(device && { device }),
    });
    this.#sessions.set(output, session);
    return session;
  }

  async #run(
    encodings: readonly Encoding[],
    output: Output,
  ): Promise<{ batch: PackedBatch; features: Float32Array }> {
    this.#options.signal?.throwIfAborted();
    const { config } = this.backbone;
    const batch = packTexts(encodings, config);
    const session = await this.#session(output);
    const results = await session.run(packedFeeds(batch, config), [output]);
    return { batch, features: must(results[output], output) };
  }
}

/** Holds what the output needs, and nothing else. */
function frozenGraph(backbone: Backbone, output: Output) {
  const builder = new GraphBuilder();
  const features = encodeTexts(builder, backbone, (layer, { states_RTD }) => {
    if (output === `states ${layer}`) builder.output(output, states_RTD);
    return {};
  });
  if (output === "features") builder.output(output, features);
  return builder.build();
}

/** Indices in batches of about equal token counts, texts of similar length together. */
function batchesByTokens(encodings: readonly Encoding[]): number[][] {
  const order = encodings.map((_, index) => index);
  order.sort((a, b) => lengthOf(encodings, b) - lengthOf(encodings, a) || a - b);
  const batches: number[][] = [];
  let tokens = Number.POSITIVE_INFINITY;
  for (const index of order) {
    tokens += lengthOf(encodings, index);
    if (tokens > BATCH_TOKENS) {
      batches.push([]);
      tokens = lengthOf(encodings, index);
    }
    batches.at(-1)?.push(index);
  }
  return batches;
}

function lengthOf(encodings: readonly Encoding[], index: number): number {
  return encodings[index]?.tokenIds.length ?? 0;
}
