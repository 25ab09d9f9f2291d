// A waiting line that is fair between tenants: each tenant's items leave in the order they came, and
// tenants take turns. A tenant that submits a hundred jobs holds the others up by one.

export class FairQueue<Item> {
  /** The tenant whose turn is next comes first; a tenant without items is not in the map. */
  readonly #itemsByTenant = new Map<string, Item[]>();
  #length = 0;

  get length(): number {
    return this.#length;
  }

  lengthOf(tenant: string): number {
    return this.#itemsByTenant.get(tenant)?.length ?? 0;
  }

  add(tenant: string, item: Item): void {
    const items = this.#itemsByTenant.get(tenant);
    if (items) items.push(item);
    else this.#itemsByTenant.set(tenant, [item]);
    this.#length += 1;
  }

  /** Undefined when nothing waits. */
  take(): Item | undefined {
    for (const [tenant, [first, ...rest]] of this.#itemsByTenant) {
      // Set again after the delete, so that the tenant goes to the end of the line.
      this.#itemsByTenant.delete(tenant);
      if (rest.length > 0) this.#itemsByTenant.set(tenant, rest);
      this.#length -= 1;
      return first;
    }
    return undefined;
  }

  /** Everything that waits; the line is empty afterwards. */
  takeAll(): Item[] {
    const items = [...this.#itemsByTenant.values()].flat();
    this.#itemsByTenant.clear();
    this.#length = 0;
    return items;
  }
}
