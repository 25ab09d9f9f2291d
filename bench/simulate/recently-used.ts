// Which keys are kept where so many may be: those that were asked for last.

export class RecentlyUsed {
  readonly #countMax: number;
  readonly #keys = new Set<number>();

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  /** Whether it was there. It is afterwards, and another may have left for it. */
  ask(key: number): boolean {
    const wasThere = this.#keys.delete(key);
    if (this.#countMax > 0) this.#keys.add(key);
    if (this.#keys.size > this.#countMax) {
      for (const oldest of this.#keys) {
        this.#keys.delete(oldest);
        break;
      }
    }
    return wasThere;
  }
}
