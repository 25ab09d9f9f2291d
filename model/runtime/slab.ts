// A slab holds the weights of one layer's resident generators side by side, so that a batch can pick
// them by index. It grows by doubling, in place, and widens when a generator with more prompt tokens or a
// wider bottleneck arrives, in new arrays: the surplus is zero and changes no result. A forward pass in
// flight, in its own thread, keeps reading what it was given: of that, what is written meanwhile are slots
// of adapters that it does not use.
import type { GeneratorPooling, PromptGenerator } from "../spt/adapter.ts";
import { type Floats, type NewFloats, newSharedFloats } from "./shared-floats.ts";
import { Slots } from "./slots.ts";

export class Slab {
  readonly pooling: GeneratorPooling;
  readonly width: number;
  #capacity = 1;
  #bottleneck = 1;
  #promptTokens = 1;
  readonly #newFloats: NewFloats;
  #down: Floats;
  #up: Floats;
  #bias: Floats;
  readonly #generators = new Slots<PromptGenerator>();

  constructor(pooling: GeneratorPooling, width: number, newFloats: NewFloats = newSharedFloats) {
    this.pooling = pooling;
    this.width = width;
    this.#newFloats = newFloats;
    const { down, up, bias } = this.#lengths();
    [this.#down, this.#up, this.#bias] = [newFloats(down), newFloats(up), newFloats(bias)];
  }

  /** P of the slab: every generator yields this many rows, its own first. */
  get promptTokens(): number {
    return this.#promptTokens;
  }

  get down() {
    return { data: this.#down.view, shape: [this.#capacity, this.width, this.#bottleneck] };
  }

  get up() {
    return { data: this.#up.view, shape: [this.#capacity, this.#bottleneck, this.#upColumns()] };
  }

  get bias() {
    return { data: this.#bias.view, shape: [this.#capacity, this.#promptTokens, this.width] };
  }

  get bytes(): number {
    return [this.#down, this.#up, this.#bias].reduce((sum, { view }) => sum + view.byteLength, 0);
  }

  /** Copies a generator in and returns its slot. */
  add(generator: PromptGenerator): number {
    const slot = this.#generators.add(generator);
    if (slot >= this.#capacity) this.#grow();
    const fits = generator.bottleneck <= this.#bottleneck && generator.promptTokens <= this.#promptTokens;
    if (fits) this.#write(slot, generator);
    else this.#widen(generator);
    return slot;
  }

  /** Frees a slot. The caller knows that no waiting batch uses it. */
  remove(slot: number): void {
    this.#generators.remove(slot);
  }

  #grow(): void {
    this.#capacity *= 2;
    const { down, up, bias } = this.#lengths();
    this.#down.grow(down);
    this.#up.grow(up);
    this.#bias.grow(bias);
  }

  #widen(generator: PromptGenerator): void {
    this.#bottleneck = Math.max(this.#bottleneck, generator.bottleneck);
    this.#promptTokens = Math.max(this.#promptTokens, generator.promptTokens);
    this.#layOut();
  }

  #layOut(): void {
    const { down, up, bias } = this.#lengths();
    this.#down = this.#newFloats(down);
    this.#up = this.#newFloats(up);
    this.#bias = this.#newFloats(bias);
    for (const [slot, generator] of this.#generators.taken()) this.#write(slot, generator);
  }

  #write(slot: number, generator: PromptGenerator): void {
    const { bottleneck, promptTokens, down_DM, up_ME, bias_PD } = generator;
    const upColumns = up_ME.length / bottleneck;
    copyRows(down_DM, bottleneck, this.#down.view, { slot, rows: this.width, columns: this.#bottleneck });
    copyRows(up_ME, upColumns, this.#up.view, { slot, rows: this.#bottleneck, columns: this.#upColumns() });
    const bias = bias_PD.subarray(0, promptTokens * this.width);
    copyRows(bias, this.width, this.#bias.view, { slot, rows: this.#promptTokens, columns: this.width });
  }

  #lengths(): Record<"down" | "up" | "bias", number> {
    return {
      down: this.#capacity * this.width * this.#bottleneck,
      up: this.#capacity * this.#bottleneck * this.#upColumns(),
      bias: this.#capacity * this.#promptTokens * this.width,
    };
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
