// The scales and shifts of one layer's norms side by side, as relative-norm.ts has them: the backbone's own, then a row
// a resident adapter. It grows by doubling, in place: a forward pass in flight keeps what it was given, and what is
// written meanwhile are rows of adapters that it does not use. The numbers are here alone.
import { relativeNorm, startOfNorm } from "../encoder/relative-norm.ts";
import type { LayerWeights, Norm } from "../encoder/weights.ts";
import { must } from "../graph/ops.ts";
import { NORM_SITES, type NormSite, type ScaleShift } from "../spt/adapter.ts";
import { NORM_PARTS, type NormPart } from "./serving-graph.ts";
import { type Floats, type NewFloats, newSharedFloats } from "./shared-floats.ts";
import { Slots } from "./slots.ts";

type Tables<Array> = Record<NormSite, Record<NormPart, Array>>;

/** Of a layer, [D] each: its norms with an adapter's changes, as relativeNorm gives them. */
export interface RelativeNorms extends Tables<Float32Array> {
  readonly kind: "scale_shift";
  readonly layer: number;
}

/** The row of the backbone's own. */
export const OWN_NORMS = 0;

export class NormSlab {
  readonly #own: Record<NormSite, Norm>;
  readonly #start: Record<NormSite, Norm>;
  readonly #width: number;
  #capacity = 1;
  readonly #tables: Tables<Floats>;
  readonly #layers = new Slots<number>();

  constructor(
    { attentionNorm, outputNorm }: Pick<LayerWeights, "attentionNorm" | "outputNorm">,
    newFloats: NewFloats = newSharedFloats,
  ) {
    // Copies: a view would keep the whole file of weights in memory.
    const copy = ({ gamma_D, beta_D }: Norm) => ({ gamma_D: gamma_D.slice(), beta_D: beta_D.slice() });
    this.#own = { attention: copy(attentionNorm), output: copy(outputNorm) };
    this.#start = { attention: startOfNorm(this.#own.attention), output: startOfNorm(this.#own.output) };
    this.#width = attentionNorm.gamma_D.length;
    const tables = (site: NormSite) => {
      const { scale, shift } = relativeNorm(this.#own[site], this.#start[site]);
      return { scale: tableOf(scale, newFloats), shift: tableOf(shift, newFloats) };
    };
    this.#tables = { attention: tables("attention"), output: tables("output") };
  }

  /** [A, D] */
  table(site: NormSite, part: NormPart) {
    return { data: this.#tables[site][part].view, shape: [this.#capacity, this.#width] };
  }

  get bytes(): number {
    return NORM_SITES.length * NORM_PARTS.length * this.#capacity * this.#width * 4;
  }

  /** An insertion as it is added. */
  relative({ kind, layer, ...change }: ScaleShift): RelativeNorms {
    const norm = (site: NormSite) => {
      const { gamma_D, beta_D } = this.#own[site];
      const changed = {
        gamma_D: sum(gamma_D, change[site].scale_D),
        beta_D: sum(beta_D, change[site].shift_D),
      };
      return relativeNorm(changed, this.#start[site]);
    };
    return { kind, layer, attention: norm("attention"), output: norm("output") };
  }

  /** Copies norms in and returns their row. */
  add(norms: RelativeNorms): number {
    const row = rowOf(this.#layers.add(norms.layer));
    if (row >= this.#capacity) this.#grow();
    for (const site of NORM_SITES) {
      for (const part of NORM_PARTS) this.#tables[site][part].view.set(norms[site][part], row * this.#width);
    }
    return row;
  }

  /** A copy of the norms in a row, as they were added. */
  read(row: number): RelativeNorms {
    const layer = must(this.#layers.at(row - rowOf(0)), "layer of a row");
    const copy = (site: NormSite, part: NormPart) =>
      this.#tables[site][part].view.slice(row * this.#width, (row + 1) * this.#width);
    const both = (site: NormSite) => ({ scale: copy(site, "scale"), shift: copy(site, "shift") });
    return { kind: "scale_shift", layer, attention: both("attention"), output: both("output") };
  }

  /** Frees a row. The caller knows that no waiting batch uses it. */
  remove(row: number): void {
    this.#layers.remove(row - rowOf(0));
  }

  #grow(): void {
    this.#capacity *= 2;
    for (const site of NORM_SITES) {
      for (const part of NORM_PARTS) this.#tables[site][part].grow(this.#capacity * this.#width);
    }
  }
}

function sum(own_D: Float32Array, change_D: Float32Array): Float32Array {
  return own_D.map((value, d) => value + (change_D[d] ?? 0));
}

function tableOf(own_D: Float32Array, newFloats: NewFloats): Floats {
  const table = newFloats(own_D.length);
  table.view.set(own_D, OWN_NORMS * own_D.length);
  return table;
}

/** Of the adapter in a slot. */
function rowOf(slot: number): number {
  return OWN_NORMS + 1 + slot;
}
