// For the tests of this room: a registry on a store that can be watched and made to fail.
import { createRegistry } from "./create-registry.ts";
import { listAll } from "./list-all.ts";
import { MemoryStore } from "./object-store/memory.ts";
import type { ObjectPart, ObjectStore, PutCondition, PutResult } from "./object-store/object-store.ts";
import { type PublishRequest, parseAdapterName, parseTenantId, type Registry } from "./registry.ts";

export const alpha = parseTenantId("alpha");
export const beta = parseTenantId("beta");
export const router = parseAdapterName("router");

export interface TestRegistry {
  readonly registry: Registry;
  readonly store: FaultyStore;
  /** Moved by the test alone. */
  readonly clock: { nowMs: number };
  /** Another process on the same store. */
  reopen(): Registry;
}

export function createTestRegistry(): TestRegistry {
  const clock = { nowMs: Date.UTC(2026, 0, 1) };
  const store = new FaultyStore(new MemoryStore(() => clock.nowMs));
  let drawn = 0;
  // The same in each test, so that what is written twice is the same twice.
  const randomBytes = (count: number) => {
    drawn += 1;
    return Uint8Array.from(
      { length: count },
      (_, index) => Math.floor(drawn / 256 ** (count - 1 - index)) % 256,
    );
  };
  const reopen = () => createRegistry({ store, now: () => new Date(clock.nowMs), randomBytes });
  return { registry: reopen(), store, clock, reopen };
}

/** An adapter whose files hold the text. */
export function publishRequest(text: string, overrides: Partial<PublishRequest> = {}): PublishRequest {
  return {
    name: router,
    files: { config: encode(`config of ${text}`), weights: encode(`weights of ${text}`) },
    manifest: {
      createdBy: { softgate: "0.0.0" },
      backbone: { id: "tiny", digest: `sha256:${"a".repeat(64)}`, width: 2 },
      labels: ["no", "yes"],
      insertions: [],
      temperature: 1,
      dataset: { digest: `sha256:${"d".repeat(64)}`, rows: 8 },
      report: { accuracy: 0.9 },
    },
    ...overrides,
  };
}

/**
 * before: the write is not made; after: it is made and its reply lost; both throw.
 * refused: it is made, and answered as the client's own retry is, as a condition that did not hold.
 * conflict: it is not made, and answered so all the same.
 */
export type WriteFault = "before" | "after" | "refused" | "conflict";

export class FaultyStore implements ObjectStore {
  readonly description = "a store that fails";
  readonly #store: ObjectStore;
  /** Calls made, such as "get tenants/alpha/…". */
  readonly calls: string[] = [];
  /** By the number of the write, from 0. */
  readonly faults = new Map<number, WriteFault>();
  /** After its first fault the process is dead: nothing is answered any more. */
  diesOfFault = false;
  writes = 0;
  #isDead = false;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** As a new process would: no faults, nothing counted. */
  revive(): void {
    this.faults.clear();
    this.calls.length = 0;
    this.writes = 0;
    this.#isDead = false;
  }

  get(key: string) {
    return this.#call(`get ${key}`, () => this.#store.get(key));
  }

  put(key: string, bytes: Uint8Array, condition?: PutCondition): Promise<PutResult> {
    return this.#write(`put ${key}`, () => this.#store.put(key, bytes, condition));
  }

  async delete(key: string): Promise<void> {
    await this.#write(`delete ${key}`, () => this.#store.delete(key).then(() => ({ stored: false })));
  }

  getPart(key: string, part: ObjectPart) {
    return this.#call(`get ${key}`, () => this.#store.getPart(key, part));
  }

  list(options: Parameters<ObjectStore["list"]>[0]) {
    return this.#call(`list ${options.prefix}`, () => this.#store.list(options));
  }

  check(): Promise<void> {
    return this.#store.check();
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  async #write(call: string, write: () => Promise<PutResult>): Promise<PutResult> {
    const fault = this.faults.get(this.writes);
    this.writes += 1;
    return this.#call(call, async () => {
      if (fault === undefined) return write();
      this.#isDead = this.diesOfFault;
      if (fault !== "before" && fault !== "conflict") await write();
      if (fault === "refused" || fault === "conflict") return { stored: false };
      throw new Error(`fault ${fault} write`);
    });
  }

  async #call<Result>(call: string, work: () => Promise<Result>): Promise<Result> {
    if (this.#isDead) throw new Error("the process is dead");
    this.calls.push(call);
    return work();
  }
}

/** All that is stored: keys and contents. */
export async function dump(store: ObjectStore): Promise<Map<string, string>> {
  const { keys } = await listAll(store, { prefix: "" });
  const contents = await Promise.all(keys.map(async (key) => decode((await store.get(key))?.bytes)));
  return new Map(keys.map((key, index) => [key, contents[index] ?? ""]));
}

export function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function decode(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes);
}
