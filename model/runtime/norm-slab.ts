// The scales and shifts of one layer's norms side by side: the backbone's own, then a row a resident
// adapter, the backbone's own added in. It grows by doubling, in place: a forward pass in flight keeps what
// it was given, and what is written meanwhile are rows of adapters that it does not use.
import type { LayerWeights } from "../encoder/weights.ts";
import { NORM_SITES, type NormSite, type ScaleShift } from "../spt/adapter.ts";
import { NORM_PARTS, type NormPart } from "./serving-graph.ts";
import { type Floats, type NewFloats, newSharedFloats } from "./shared-floats.ts";
import { Slots } from "./slots.ts";

type Tables<Array> = Record<NormSite, Record<NormPart, Array>>;

/** The row of the backbone's own. */
export const OWN_NORMS = 0;

export class NormSlab {
  readonly #own: Tables<Float32Array>;
  readonly #width: number;
  #capacity = 1;
  readonly #tables: Tables<Floats>;
  readonly #adapters = new Slots<ScaleShift>();

  constructor(
    { attentionNorm, outputNorm }: Pick<LayerWeights, "attentionNorm" | "outputNorm">,
    newFloats: NewFloats = newSharedFloats,
  ) {
    // Copies: a view would keep the whole file of weights in memory.
    const own = ({ gamma_D, beta_D }: LayerWeights["outputNorm"]) => ({
      scale: gamma_D.slice(),
      shift: beta_D.slice(),
    });
    this.#own = { attention: own(attentionNorm), output: own(outputNorm) };
    this.#width = attentionNorm.gamma_D.length;
    const tables = ({ scale, shift }: Record<NormPart, Float32Array>) => ({
      scale: tableOf(scale, newFloats),
      shift: tableOf(shift, newFloats),
    });
    this.#tables = { attention: tables(this.#own.attention), output: tables(this.#own.output) };
  }

  /** [A, D] */
  table(site: NormSite, part: NormPart) {
    return { data: this.#tables[site][part].view, shape: [this.#capacity, this.#width] };
  }

  get bytes(): number {
    return NORM_SITES.length * NORM_PARTS.length * this.#capacity * this.#width * 4;
  }

  /** Copies an insertion in and returns its row. */
  add(insertion: ScaleShift): number {
    const row = rowOf(this.#adapters.add(insertion));
    if (row >= this.#capacity) this.#grow();
    this.#write(row, insertion);
    return row;
  }

  /** Frees a row. The caller knows that no waiting batch uses it. */
  remove(row: number): void {
    this.#adapters.remove(row - rowOf(0));
  }

  #grow(): void {
    this.#capacity *= 2;
    for (const site of NORM_SITES) {
      for (const part of NORM_PARTS) this.#tables[site][part].grow(this.#capacity * this.#width);
    }
  }

  #write(row: number, insertion: ScaleShift): void {
    for (const site of NORM_SITES) {
      for (const part of NORM_PARTS) {
        const own = this.#own[site][part];
        const change = insertion[site][part === "scale" ? "scale_D" : "shift_D"];
        const sum = own.map((value, d) => value + (change[d] ?? 0));
        this.#tables[site][part].view.set(sum, row * this.#width);
      }
    }
  }
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
