// A slab holds the weights of one layer's resident generators side by side, so that a batch can pick
// them by index. It grows by doubling, and widens when a generator with more prompt tokens or a wider
// bottleneck arrives: the surplus is zero and changes no result. Arrays are replaced, never resized,
// so a forward pass in flight, in its own thread, keeps reading the ones it was given: of them, what is
// written meanwhile are slots of adapters that it does not use.
import type { GeneratorPooling, PromptGenerator } from "../spt/adapter.ts";
import { sharedFloats } from "./shared-floats.ts";
import { Slots } from "./slots.ts";

export class Slab {
  readonly pooling: GeneratorPooling;
  readonly width: number;
  #capacity = 1;
  #bottleneck = 1;
  #promptTokens = 1;
  #down = sharedFloats(0);
  #up = sharedFloats(0);
  #bias = sharedFloats(0);
  readonly #generators = new Slots<PromptGenerator>();

  constructor(pooling: GeneratorPooling, width: number) {
    this.pooling = pooling;
    this.width = width;
    this.#layOut();
  }

  /** P of the slab: every generator yields this many rows, its own first. */
  get promptTokens(): number {
    return this.#promptTokens;
  }

  get down() {
    return { data: this.#down, shape: [this.#capacity, this.width, this.#bottleneck] };
  }

  get up() {
    return { data: this.#up, shape: [this.#capacity, this.#bottleneck, this.#upColumns()] };
  }

  get bias() {
    return { data: this.#bias, shape: [this.#capacity, this.#promptTokens, this.width] };
  }

  get bytes(): number {
    return this.#down.byteLength + this.#up.byteLength + this.#bias.byteLength;
  }

  /** Copies a generator in and returns its slot. */
  add(generator: PromptGenerator): number {
    const slot = this.#generators.add(generator);
    const fits =
      slot < this.#capacity &&
      generator.bottleneck <= this.#bottleneck &&
      generator.promptTokens <= this.#promptTokens;
    if (fits) this.#write(slot, generator);
    else this.#widen(generator);
    return slot;
  }

  /** Frees a slot. The caller knows that no waiting batch uses it. */
  remove(slot: number): void {
    this.#generators.remove(slot);
  }

  #widen(generator: PromptGenerator): void {
    while (this.#capacity < this.#generators.length) this.#capacity *= 2;
    this.#bottleneck = Math.max(this.#bottleneck, generator.bottleneck);
    this.#promptTokens = Math.max(this.#promptTokens, generator.promptTokens);
    this.#layOut();
  }

  #layOut(): void {
    this.#down = sharedFloats(this.#capacity * this.width * this.#bottleneck);
    this.#up = sharedFloats(this.#capacity * this.#bottleneck * this.#upColumns());
    this.#bias = sharedFloats(this.#capacity * this.#promptTokens * this.width);
    for (const [slot, generator] of this.#generators.taken()) this.#write(slot, generator);
  }

  #write(slot: number, generator: PromptGenerator): void {
    const { bottleneck, promptTokens, down_DM, up_ME, bias_PD } = generator;
    const upColumns = up_ME.length / bottleneck;
    copyRows(down_DM, bottleneck, this.#down, { slot, rows: this.width, columns: this.#bottleneck });
    copyRows(up_ME, upColumns, this.#up, { slot, rows: this.#bottleneck, columns: this.#upColumns() });
    const bias = bias_PD.subarray(0, promptTokens * this.width);
    copyRows(bias, this.width, this.#bias, { slot, rows: this.#promptTokens, columns: this.width });
  }

  #upColumns(): number {
    return this.pooling === "mean" ? this.#promptTokens * this.width : this.width;
  }
}

/** Writes a [n, from] matrix into slot `slot` of a [A, rows, columns] array; the rest of the slot is zero. */
function copyRows(
  source: Float32Array,
  from: number,
  target: Float32Array,
  { slot, rows, columns }: { slot: number; rows: number; columns: number },
): void {
  const start = slot * rows * columns;
  target.fill(0, start, start + rows * columns);
  for (let row = 0; row * from < source.length; row++) {
    target.set(source.subarray(row * from, (row + 1) * from), start + row * columns);
  }
}
