// A slab holds the weights of one layer's resident generators side by side, so that a batch can pick
// them by index. It grows by doubling, in place, and widens when a generator with more prompt tokens or a
// wider bottleneck arrives, in new arrays: the surplus is zero and changes no result. A forward pass in
// flight, in its own thread, keeps reading what it was given: of that, what is written meanwhile are slots
// of adapters that it does not use. The weights are here alone: of a generator nothing but its shape is kept beside.
import { must } from "../graph/ops.ts";
import {
  type GeneratorPooling,
  type GeneratorShape,
  type PromptGenerator,
  shapeOfInsertion,
} from "../spt/adapter.ts";
import { type Floats, type NewFloats, newSharedFloats } from "./shared-floats.ts";
import { Slots } from "./slots.ts";

/** The widest generator that fits. */
type Room = Pick<GeneratorShape, "bottleneck" | "promptTokens">;
type Part = "down" | "up" | "bias";
type Matrix = readonly [rows: number, columns: number];

export class Slab {
  readonly pooling: GeneratorPooling;
  readonly width: number;
  #capacity = 1;
  #room: Room = { bottleneck: 1, promptTokens: 1 };
  #arrays: Record<Part, Floats>;
  readonly #shapes = new Slots<GeneratorShape>();
  readonly #newFloats: NewFloats;

  constructor(pooling: GeneratorPooling, width: number, newFloats: NewFloats = newSharedFloats) {
    this.pooling = pooling;
    this.width = width;
    this.#newFloats = newFloats;
    this.#arrays = this.#layOut();
  }

  /** P of the slab: every generator yields this many rows, its own first. */
  get promptTokens(): number {
    return this.#room.promptTokens;
  }

  /** [A, D, M] */
  get down() {
    return this.#table("down");
  }

  /** [A, M, E] */
  get up() {
    return this.#table("up");
  }

  /** [A, P, D] */
  get bias() {
    return this.#table("bias");
  }

  get bytes(): number {
    const { down, up, bias } = this.#arrays;
    return [down, up, bias].reduce((sum, { view }) => sum + view.byteLength, 0);
  }

  /** Copies a generator in and returns its slot. */
  add(generator: PromptGenerator): number {
    const { bottleneck, promptTokens } = generator;
    if (bottleneck > this.#room.bottleneck || promptTokens > this.#room.promptTokens) this.#widen(generator);
    const slot = this.#shapes.add(shapeOfInsertion(generator));
    if (slot >= this.#capacity) this.#grow();
    this.#write(slot, generator);
    return slot;
  }

  /** A copy of the generator in a slot, as it was added. */
  read(slot: number): PromptGenerator {
    const shape = must(this.#shapes.at(slot), "generator of a slot");
    const [own, whole] = [this.#matrices(shape), this.#matrices(this.#room)];
    const copy = (part: Part) =>
      readMatrix(this.#arrays[part].view, slot, { own: own[part], whole: whole[part] });
    return { ...shape, down_DM: copy("down"), up_ME: copy("up"), bias_PD: copy("bias") };
  }

  /** Frees a slot. The caller knows that no waiting batch uses it. */
  remove(slot: number): void {
    this.#shapes.remove(slot);
  }

  #table(part: Part) {
    return { data: this.#arrays[part].view, shape: [this.#capacity, ...this.#matrices(this.#room)[part]] };
  }

  #grow(): void {
    this.#capacity *= 2;
    const sizes = this.#sizes();
    for (const part of PARTS) this.#arrays[part].grow(this.#capacity * sizes[part]);
  }

  /** Makes room for a generator that is wider than all before. */
  #widen({ bottleneck, promptTokens }: Room): void {
    const generators = this.#shapes.taken().map(([slot]) => ({ slot, generator: this.read(slot) }));
    this.#room = {
      bottleneck: Math.max(this.#room.bottleneck, bottleneck),
      promptTokens: Math.max(this.#room.promptTokens, promptTokens),
    };
    this.#arrays = this.#layOut();
    for (const { slot, generator } of generators) this.#write(slot, generator);
  }

  #layOut(): Record<Part, Floats> {
    const sizes = this.#sizes();
    const floats = (part: Part) => this.#newFloats(this.#capacity * sizes[part]);
    return { down: floats("down"), up: floats("up"), bias: floats("bias") };
  }

  #write(slot: number, generator: PromptGenerator): void {
    const [own, whole] = [this.#matrices(generator), this.#matrices(this.#room)];
    const write = (part: Part, values: Float32Array) =>
      writeMatrix(this.#arrays[part].view, slot, { values, own: own[part], whole: whole[part] });
    write("down", generator.down_DM);
    write("up", generator.up_ME);
    write("bias", generator.bias_PD);
  }

  /** Of one slot, for a generator of a shape. */
  #matrices({ bottleneck, promptTokens }: Room): Record<Part, Matrix> {
    const upColumns = this.pooling === "mean" ? promptTokens * this.width : this.width;
    return {
      down: [this.width, bottleneck],
      up: [bottleneck, upColumns],
      bias: [promptTokens, this.width],
    };
  }

  /** Numbers in a slot. */
  #sizes(): Record<Part, number> {
    const { down, up, bias } = this.#matrices(this.#room);
    return { down: down[0] * down[1], up: up[0] * up[1], bias: bias[0] * bias[1] };
  }
}

const PARTS = ["down", "up", "bias"] as const satisfies readonly Part[];

interface Corner {
  /** What a generator has of a slot: its upper left corner. */
  readonly own: Matrix;
  /** What a slot has. */
  readonly whole: Matrix;
}

/** Writes a matrix into slot `slot` of an array of slots; the rest of the slot is zero. */
function writeMatrix(
  array: Float32Array,
  slot: number,
  { values, own: [ownRows, ownColumns], whole: [rows, columns] }: Corner & { values: Float32Array },
): void {
  const start = slot * rows * columns;
  array.fill(0, start, start + rows * columns);
  for (let row = 0; row < ownRows; row++) {
    array.set(values.subarray(row * ownColumns, (row + 1) * ownColumns), start + row * columns);
  }
}

/** What writeMatrix wrote. */
function readMatrix(
  array: Float32Array,
  slot: number,
  { own: [ownRows, ownColumns], whole: [rows, columns] }: Corner,
): Float32Array {
  const values = new Float32Array(ownRows * ownColumns);
  for (let row = 0; row < ownRows; row++) {
    const start = (slot * rows + row) * columns;
    values.set(array.subarray(start, start + ownColumns), row * ownColumns);
  }
  return values;
}
