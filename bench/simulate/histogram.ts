// Quantiles of more values than are kept: counted in classes that are 1 % wide.

const GROWTH = 1.01;
const SMALLEST = 0.01;
const CLASSES = 2_000;

export class Histogram {
  readonly #counts = new Float64Array(CLASSES);
  #total = 0;

  add(value: number): void {
    const at = Math.floor(Math.log(Math.max(value, SMALLEST) / SMALLEST) / Math.log(GROWTH));
    const index = Math.min(at, CLASSES - 1);
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#total += 1;
  }

  /** To 1 %; 0 of nothing. */
  quantile(fraction: number): number {
    let left = fraction * this.#total;
    for (let index = 0; index < CLASSES; index += 1) {
      left -= this.#counts[index] ?? 0;
      if (left < 0) return SMALLEST * GROWTH ** (index + 0.5);
    }
    return 0;
  }
}
