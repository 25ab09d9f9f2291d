// The frozen encoder as the trainer reads it: the states that enter a layer, and the final vector of
// each text. What does not change during a training is computed once per example and kept, up to a
// byte limit; beyond it, computed again for each batch.
import type { Backbone, Encoding } from "#model";
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
  /** Asked before each forward pass. */
  readonly signal?: AbortSignal;
  /** Default STATES_BYTES_MAX. */
  readonly statesBytesMax?: number;
}

export class FrozenEncoder {
  readonly backbone: Backbone;
  readonly #session: Session;
  readonly #options: Required<Pick<FrozenEncoderOptions, "statesBytesMax">> & FrozenEncoderOptions;
  #statesBytes = 0;

  private constructor(backbone: Backbone, session: Session, options: FrozenEncoderOptions) {
    this.backbone = backbone;
    this.#session = session;
    this.#options = { statesBytesMax: STATES_BYTES_MAX, ...options };
  }

  static async create(backbone: Backbone, options: FrozenEncoderOptions = {}): Promise<FrozenEncoder> {
    const session = await Session.create(frozenGraph(backbone), { threads: options.threads ?? 0 });
    return new FrozenEncoder(backbone, session, options);
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
    return async (indices) => pick(kept, indices);
  }

  async close(): Promise<void> {
    await this.#session.close();
  }

  async #run(
    encodings: readonly Encoding[],
    output: string,
  ): Promise<{ batch: PackedBatch; features: Float32Array }> {
    this.#options.signal?.throwIfAborted();
    const { config } = this.backbone;
    const batch = packTexts(encodings, config);
    const results = await this.#session.run(packedFeeds(batch, config), [output]);
    return { batch, features: must(results[output], output) };
  }
}

function frozenGraph(backbone: Backbone) {
  const builder = new GraphBuilder();
  const features = encodeTexts(builder, backbone, (layer, { states_RTD }) => {
    builder.output(`states ${layer}`, states_RTD);
    return {};
  });
  builder.output("features", features);
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
