// For tests: a store whose calls fail by chance, as those of a store across a network do when its client has given
// up, and take effect in another order than they were made. The same seed, the same faults.
import { RegistryError } from "./errors.ts";
import type { ObjectPart, ObjectStore, PutCondition, PutResult } from "./object-store/object-store.ts";

/** As of test/helpers/random.ts. */
interface Random {
  uniform(): number;
}

/** What becomes of a call, as a caller of an object store sees the faults of test/helpers/fault-proxy.ts. */
const faults = [
  "before", // refused, reset, cut: not done, and throws
  "after", // the reply is lost: done, and throws
  "late", // throws, and is done some time later
  "refused after", // done, and answered as the client's own retry is: the condition does not hold
  "refused", // not done, and answered as if the condition did not hold
] as const;
type Fault = (typeof faults)[number];

const TURNS_MAX = 4;
const TURNS_LATE_MAX = 60;

export class FaultStore implements ObjectStore {
  readonly description = "a store that fails by chance";
  readonly #store: ObjectStore;
  readonly #random: Random;
  readonly #rate: number;
  readonly #late = new Set<Promise<unknown>>();
  readonly met = new Map<Fault, number>();

  /** rate: of calls that fail. */
  constructor(store: ObjectStore, random: Random, rate: number) {
    this.#store = store;
    this.#random = random;
    this.#rate = rate;
  }

  get(key: string) {
    return this.#read(() => this.#store.get(key));
  }

  getPart(key: string, part: ObjectPart) {
    return this.#read(() => this.#store.getPart(key, part));
  }

  list(options: Parameters<ObjectStore["list"]>[0]) {
    return this.#read(() => this.#store.list(options));
  }

  put(key: string, bytes: Uint8Array, condition?: PutCondition): Promise<PutResult> {
    return this.#write(() => this.#store.put(key, bytes, condition), condition !== undefined);
  }

  async delete(key: string): Promise<void> {
    await this.#write(() => this.#store.delete(key).then(() => ({ stored: false })), false);
  }

  check(): Promise<void> {
    return this.#store.check();
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  /** Once all that is late has been done. */
  async settle(): Promise<void> {
    await Promise.all(this.#late);
  }

  async #read<Result>(read: () => Promise<Result>): Promise<Result> {
    await this.#turns(TURNS_MAX);
    const result = await read();
    await this.#turns(TURNS_MAX);
    if (this.#random.uniform() < this.#rate) throw unreachable();
    return result;
  }

  async #write(write: () => Promise<PutResult>, isConditional: boolean): Promise<PutResult> {
    await this.#turns(TURNS_MAX);
    const fault = this.#choose(isConditional ? faults.length : 3);
    if (fault === "late") {
      const late = this.#turns(TURNS_LATE_MAX).then(write);
      this.#late.add(late);
    }
    if (fault === "before" || fault === "late") throw unreachable();
    if (fault === "refused") return { stored: false };
    const result = await write();
    await this.#turns(TURNS_MAX);
    if (fault === "after") throw unreachable();
    return fault === "refused after" ? { stored: false } : result;
  }

  #choose(choices: number): Fault | undefined {
    const fault =
      this.#random.uniform() < this.#rate ? faults[Math.floor(this.#random.uniform() * choices)] : undefined;
    if (fault) this.met.set(fault, (this.met.get(fault) ?? 0) + 1);
    return fault;
  }

  async #turns(most: number): Promise<void> {
    for (let left = Math.floor(this.#random.uniform() * most); left > 0; left -= 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

function unreachable(): RegistryError {
  return new RegistryError("store_unreachable", "The store does not answer, by chance.");
}
