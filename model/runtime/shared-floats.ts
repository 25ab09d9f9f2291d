// Numbers in memory that threads share: a message to another thread gives it the same ones, not a copy. They
// grow in place: the address space is reserved ahead, memory is taken as it is written. So a thousand
// adapters can arrive one by one without a copy of those that are there, and a forward pass in flight keeps
// what it was given.

/** Of address space, each; more than this is moved once, to twice as much. */
const RESERVED_BYTES = 256 * 1024 * 1024;

/** Numbers that grow; `view` stays what it is when they do. */
export interface Floats {
  /** As long as was asked for. */
  readonly view: Float32Array;
  /** The new ones are zeros. */
  grow(length: number): void;
}

/** Zeros. */
export type NewFloats = (length: number) => Floats;

export class SharedFloats implements Floats {
  #buffer: SharedArrayBuffer;
  #view: Float32Array;

  /** Zeros. */
  constructor(length: number) {
    this.#buffer = reserve(bytesOf(length), RESERVED_BYTES);
    this.#view = new Float32Array(this.#buffer, 0, length);
  }

  /** As long as was asked for. Stays what it is when these numbers grow. */
  get view(): Float32Array {
    return this.#view;
  }

  /** The new ones are zeros. */
  grow(length: number): void {
    const bytes = bytesOf(length);
    if (bytes <= this.#buffer.maxByteLength) this.#buffer.grow(bytes);
    else this.#move(bytes);
    this.#view = new Float32Array(this.#buffer, 0, length);
  }

  #move(bytes: number): void {
    this.#buffer = reserve(bytes, 2 * bytes);
    new Float32Array(this.#buffer).set(this.#view);
  }
}

function reserve(bytes: number, bytesMax: number): SharedArrayBuffer {
  try {
    return new SharedArrayBuffer(bytes, { maxByteLength: Math.max(bytes, bytesMax) });
  } catch (error) {
    // Where address space is short (ulimit -v), they are moved more often.
    if (error instanceof RangeError && bytesMax > bytes) return reserve(bytes, bytes);
    throw error;
  }
}

function bytesOf(length: number): number {
  return length * Float32Array.BYTES_PER_ELEMENT;
}

export const newSharedFloats: NewFloats = (length) => new SharedFloats(length);

/** Where there are no threads: as many as are asked for, in memory of their own; they are moved to grow. */
class OwnFloats implements Floats {
  #view: Float32Array;

  constructor(length: number) {
    this.#view = new Float32Array(length);
  }

  get view(): Float32Array {
    return this.#view;
  }

  grow(length: number): void {
    const grown = new Float32Array(length);
    grown.set(this.#view);
    this.#view = grown;
  }
}

export const newOwnFloats: NewFloats = (length) => new OwnFloats(length);
