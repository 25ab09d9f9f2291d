// Texts that wait for a forward pass, in a line that is fair between tenants by tokens: each tenant has
// a counter of the tokens it was served, and the next text is of the tenant with the smallest. A tenant
// that has been idle starts again level with those that wait, so silence saves up no claim. Whatever
// waits is taken: no tokens of a pass are kept free for anyone. This is the virtual token counter of
// Sheng et al., "Fairness in Serving Large Language Models", OSDI 2024 (arXiv 2401.00588).
import TinyQueue from "tinyqueue";

export interface Queued {
  readonly tenant: string;
  /** What it takes of a pass, at least 1. */
  readonly tokens: number;
}

interface Line<Item> {
  readonly tenant: string;
  readonly items: Item[];
  /** Index of the first that waits: those before it are gone. */
  first: number;
  served: number;
  /** Of waiting items. */
  tokens: number;
}

/** Tenants without texts whose counters are remembered, at most; beyond it those that owe nothing are forgotten. */
const IDLE_TENANTS_MAX = 10_000;

export class TokenQueue<Item extends Queued> {
  readonly #lines = new Map<string, Line<Item>>();
  readonly #next = new TinyQueue<Line<Item>>([], (a, b) => a.served - b.served);
  readonly #servedWhenIdle = new Map<string, number>();
  /** The counter of the tenant served last, before that: no line that waits is below it. */
  #level = 0;
  #length = 0;
  #tokens = 0;

  get length(): number {
    return this.#length;
  }

  /** Of all that waits. */
  get tokens(): number {
    return this.#tokens;
  }

  /** Tenants that wait. */
  get tenants(): number {
    return this.#lines.size;
  }

  lengthOf(tenant: string): number {
    const line = this.#lines.get(tenant);
    return line ? line.items.length - line.first : 0;
  }

  tokensOf(tenant: string): number {
    return this.#lines.get(tenant)?.tokens ?? 0;
  }

  add(item: Item): void {
    const line = this.#lines.get(item.tenant) ?? this.#open(item.tenant);
    line.items.push(item);
    line.tokens += item.tokens;
    this.#length += 1;
    this.#tokens += item.tokens;
  }

  /** The next items, up to so many tokens; the first one whatever it takes. Empty when nothing waits. */
  take(tokensMax: number): Item[] {
    const taken: Item[] = [];
    let tokens = 0;
    for (let line = this.#next.peek(); line; line = this.#next.peek()) {
      const item = line.items[line.first];
      if (!item) throw new Error("invariant: a line that waits has an item");
      if (taken.length > 0 && tokens + item.tokens > tokensMax) break;
      this.#next.pop();
      this.#serve(line, item);
      taken.push(item);
      tokens += item.tokens;
    }
    return taken;
  }

  /** Everything that waits; the line is empty afterwards. */
  takeAll(): Item[] {
    return this.take(Number.POSITIVE_INFINITY);
  }

  #open(tenant: string): Line<Item> {
    const served = Math.max(this.#servedWhenIdle.get(tenant) ?? 0, this.#level);
    this.#servedWhenIdle.delete(tenant);
    const line: Line<Item> = { tenant, items: [], first: 0, served, tokens: 0 };
    this.#lines.set(tenant, line);
    this.#next.push(line);
    return line;
  }

  #serve(line: Line<Item>, item: Item): void {
    this.#level = line.served;
    line.served += item.tokens;
    line.tokens -= item.tokens;
    line.first += 1;
    this.#length -= 1;
    this.#tokens -= item.tokens;
    if (line.first < line.items.length) this.#next.push(line);
    else this.#close(line);
  }

  #close({ tenant, served }: Line<Item>): void {
    this.#lines.delete(tenant);
    this.#servedWhenIdle.set(tenant, served);
    if (this.#servedWhenIdle.size <= IDLE_TENANTS_MAX) return;
    for (const [idle, counter] of this.#servedWhenIdle) {
      if (counter <= this.#level) this.#servedWhenIdle.delete(idle);
    }
  }
}
