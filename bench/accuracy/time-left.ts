// How long the cells that are left will take, by what those before them took.
import { mean } from "../statistics.ts";
import type { Method } from "./cell.ts";

export class TimeLeft {
  /** How many cells of each method are to be measured. */
  readonly #left = new Map<Method, number>();
  readonly #seconds = new Map<Method, number[]>();

  constructor(methods: readonly Method[]) {
    for (const method of methods) this.#left.set(method, (this.#left.get(method) ?? 0) + 1);
  }

  /** Of one that was to be measured. */
  finish(method: Method, seconds: number): void {
    this.#left.set(method, (this.#left.get(method) ?? 0) - 1);
    const known = this.#seconds.get(method) ?? [];
    this.#seconds.set(method, [...known, seconds]);
  }

  /** "3 cells left, about 2 min"; a method that was not measured yet is taken for the mean of the others. */
  describe(): string {
    const counts = [...this.#left];
    const cells = counts.reduce((sum, [, count]) => sum + count, 0);
    if (cells === 0) return "the last";
    const all = mean([...this.#seconds.values()].flat());
    const seconds = counts.reduce((sum, [method, count]) => {
      const own = this.#seconds.get(method);
      return sum + count * (own ? mean(own) : all);
    }, 0);
    return `${cells === 1 ? "1 cell" : `${cells} cells`} left, about ${describeSeconds(seconds)}`;
  }
}

function describeSeconds(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
