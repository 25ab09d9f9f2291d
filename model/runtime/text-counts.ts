// How many texts each tenant has somewhere.

export class TextCounts {
  readonly #counts = new Map<string, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  of(tenant: string): number {
    return this.#counts.get(tenant) ?? 0;
  }

  /** `texts` may be negative; a tenant that has none left takes no memory. */
  add(tenant: string, texts: number): void {
    const count = this.of(tenant) + texts;
    if (count === 0) this.#counts.delete(tenant);
    else this.#counts.set(tenant, count);
    this.#total += texts;
  }
}
