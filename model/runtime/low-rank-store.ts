// The low-rank updates of one layer's resident adapters. A pass is given those of its adapters side by side
// (product-feeds.ts): they are small, and a matrix of all resident ones would be multiplied whole.
import type { EncoderConfig } from "../encoder/config.ts";
import { queryScale } from "../encoder/encoder.ts";
import { must } from "../graph/ops.ts";
import { type LowRank, weightsOfInsertion } from "../spt/adapter.ts";
import { Slots } from "./slots.ts";

/** As the graph takes it: the queries' `up` times queryScale. */
export interface ScaledLowRank extends LowRank {}

/** An insertion as it is added. */
export function scaleQueries(insertion: LowRank, config: EncoderConfig): ScaledLowRank {
  const scale = queryScale(config);
  const { query } = insertion;
  return { ...insertion, query: { ...query, up_KD: query.up_KD.map((value) => value * scale) } };
}

export class LowRankStore {
  readonly #updates = new Slots<ScaledLowRank>();

  /** Keeps the arrays themselves and returns their slot. */
  add(update: ScaledLowRank): number {
    return this.#updates.add(update);
  }

  /** As it was added. */
  read(slot: number): ScaledLowRank {
    return must(this.#updates.at(slot), "low-rank update of a slot");
  }

  /** Frees a slot. The caller knows that no waiting batch uses it. */
  remove(slot: number): void {
    this.#updates.remove(slot);
  }

  get bytes(): number {
    return this.#updates
      .taken()
      .flatMap(([, update]) => weightsOfInsertion(update))
      .reduce((sum, { byteLength }) => sum + byteLength, 0);
  }
}
