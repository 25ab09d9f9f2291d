// A list of whole numbers below 2^32, as long as a dataset: 4 bytes each.

const LENGTH_FIRST = 1024;

export class GrowingNumbers {
  #numbers = new Uint32Array(LENGTH_FIRST);
  length = 0;

  push(number: number): void {
    if (this.length === this.#numbers.length) {
      const longer = new Uint32Array(2 * this.length);
      longer.set(this.#numbers);
      this.#numbers = longer;
    }
    this.#numbers[this.length] = number;
    this.length += 1;
  }

  /** Of an index below the length. */
  at(index: number): number {
    return this.#numbers[index] ?? 0;
  }

  /** A view, good while nothing is added. */
  toArray(): Uint32Array {
    return this.#numbers.subarray(0, this.length);
  }
}
