// The frozen encoder as the trainer reads it: the states that enter a layer, and the final vector of
// each text. What does not change during a training is computed once per example and kept, up to a
// byte limit; beyond it, computed again for each batch.
import type { Backbone, Encoding } from "#model";
import { encodeTexts, type PackedBatch, packedFeeds, packTexts } from "#model/encoder";
import { GraphBuilder, must } from "#model/graph";
import { Session } from "#model/runtime";
import { pick } from "./pick-rows.ts";

/** Frozen states [L, D] of the examples at the given indices. */
export type StatesSource = (indices: readonly number[]) => Promise<Float32Array[]>;

/** Kept states of one layer over all examples. */
export const STATES_BYTES_MAX = 1024 * 1024 * 1024;
const BATCH_TOKENS = 4096;

export class FrozenEncoder {
  readonly backbone: Backbone;
  readonly #session: Session;

  private constructor(backbone: Backbone, session: Session) {
    this.backbone = backbone;
    this.#session = session;
  }

  static async create(backbone: Backbone, threads = 0): Promise<FrozenEncoder> {
    return new FrozenEncoder(backbone, await Session.create(frozenGraph(backbone), { threads }));
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

  /** States by example index: kept when they fit STATES_BYTES_MAX, computed for each batch otherwise. */
  async statesSource(layer: number, encodings: readonly Encoding[]): Promise<StatesSource> {
    const tokens = encodings.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
    if (tokens * this.backbone.config.width * 4 > STATES_BYTES_MAX) {
      return (indices) => this.statesEntering(layer, pick(encodings, indices));
    }
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
