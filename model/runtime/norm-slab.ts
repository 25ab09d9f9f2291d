// The scales and shifts of one layer's norms side by side: the backbone's own, then a row a resident
// adapter, the backbone's own added in. It grows by doubling. Arrays are replaced, never resized, so a
// forward pass in flight keeps reading the ones it was given.
import type { LayerWeights } from "../encoder/weights.ts";
import { NORM_SITES, type NormSite, type ScaleShift } from "../spt/adapter.ts";
import { NORM_PARTS, type NormPart } from "./serving-graph.ts";
import { sharedFloats } from "./shared-floats.ts";
import { Slots } from "./slots.ts";

type Tables = Record<NormSite, Record<NormPart, Float32Array>>;

/** The row of the backbone's own. */
export const OWN_NORMS = 0;

export class NormSlab {
  readonly #own: Tables;
  readonly #width: number;
  #capacity = 1;
  #tables: Tables;
  readonly #adapters = new Slots<ScaleShift>();

  constructor({ attentionNorm, outputNorm }: Pick<LayerWeights, "attentionNorm" | "outputNorm">) {
    // Copies: a view would keep the whole file of weights in memory.
    const own = ({ gamma_D, beta_D }: LayerWeights["outputNorm"]) => ({
      scale: gamma_D.slice(),
      shift: beta_D.slice(),
    });
    this.#own = { attention: own(attentionNorm), output: own(outputNorm) };
    this.#width = attentionNorm.gamma_D.length;
    this.#tables = this.#layOut();
  }

  /** [A, D] */
  table(site: NormSite, part: NormPart) {
    return { data: this.#tables[site][part], shape: [this.#capacity, this.#width] };
  }

  get bytes(): number {
    return NORM_SITES.length * NORM_PARTS.length * this.#capacity * this.#width * 4;
  }

  /** Copies an insertion in and returns its row. */
  add(insertion: ScaleShift): number {
    const row = rowOf(this.#adapters.add(insertion));
    if (row < this.#capacity) {
      this.#write(this.#tables, row, insertion);
    } else {
      while (this.#capacity <= row) this.#capacity *= 2;
      this.#tables = this.#layOut();
    }
    return row;
  }

  /** Frees a row. The caller knows that no waiting batch uses it. */
  remove(row: number): void {
    this.#adapters.remove(row - rowOf(0));
  }

  #layOut(): Tables {
    const empty = () => sharedFloats(this.#capacity * this.#width);
    const tables: Tables = {
      attention: { scale: empty(), shift: empty() },
      output: { scale: empty(), shift: empty() },
    };
    for (const site of NORM_SITES) {
      for (const part of NORM_PARTS) tables[site][part].set(this.#own[site][part], OWN_NORMS * this.#width);
    }
    for (const [slot, insertion] of this.#adapters.taken()) this.#write(tables, rowOf(slot), insertion);
    return tables;
  }

  #write(tables: Tables, row: number, insertion: ScaleShift): void {
    for (const site of NORM_SITES) {
      for (const part of NORM_PARTS) {
        const own = this.#own[site][part];
        const change = insertion[site][part === "scale" ? "scale_D" : "shift_D"];
        const sum = own.map((value, d) => value + (change[d] ?? 0));
        tables[site][part].set(sum, row * this.#width);
      }
    }
  }
}

/** Of the adapter in a slot. */
function rowOf(slot: number): number {
  return OWN_NORMS + 1 + slot;
}
