// Objects in this process's memory: for tests, and for trying things out. Gone when the process ends.
import { createHash } from "node:crypto";
import { checkKey, checkPrefix, checkSize, clampListLimit } from "./check-object.ts";
import type {
  ListOptions,
  ObjectPage,
  ObjectPart,
  ObjectStore,
  PutCondition,
  PutResult,
  StoredObject,
} from "./object-store.ts";
import { collectPage, isAfter, nameInList } from "./page.ts";
import { probeConditions } from "./probe-conditions.ts";

export class MemoryStore implements ObjectStore {
  readonly description = "memory of this process";
  readonly #objects = new Map<string, StoredObject & { readonly modifiedMs: number }>();
  readonly #nowMs: () => number;

  /** nowMs: the clock that objects' times are of. */
  constructor(nowMs: () => number = Date.now) {
    this.#nowMs = nowMs;
  }

  async get(key: string): Promise<StoredObject | undefined> {
    checkKey(key);
    const stored = this.#objects.get(key);
    return stored && { bytes: stored.bytes.slice(), etag: stored.etag };
  }

  async getPart(key: string, { from, bytesMax }: ObjectPart): Promise<Uint8Array | undefined> {
    checkKey(key);
    const bytes = this.#objects.get(key)?.bytes;
    return bytes && from < bytes.byteLength ? bytes.slice(from, from + bytesMax) : undefined;
  }

  async put(key: string, bytes: Uint8Array, condition?: PutCondition): Promise<PutResult> {
    checkKey(key);
    checkSize(key, bytes.byteLength);
    this.#checkFolders(key);
    if (!holds(condition, this.#objects.get(key))) return { stored: false };
    const etag = createHash("sha256").update(bytes).digest("hex");
    this.#objects.set(key, { bytes: Uint8Array.from(bytes), etag, modifiedMs: this.#nowMs() });
    return { stored: true, etag };
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    this.#objects.delete(key);
  }

  async list(options: ListOptions): Promise<ObjectPage> {
    checkPrefix(options.prefix);
    const names = [...this.#objects.keys()]
      .filter((key) => key.startsWith(options.prefix))
      .map((key) => nameInList(key, options))
      .filter((name) => isAfter(name, options.after));
    const page = await collectPage([...new Set(names)].sort(), clampListLimit(options.limit));
    if (!options.withDetails) return page;
    const objects = page.keys.flatMap((key) => {
      const stored = this.#objects.get(key);
      return stored ? [{ key, bytes: stored.bytes.byteLength, modifiedMs: stored.modifiedMs }] : [];
    });
    return { ...page, objects };
  }

  async check(): Promise<void> {
    await probeConditions(this);
  }

  async close(): Promise<void> {}

  /** The other stores cannot hold both "x" and "x/y"; this one must not hide that. */
  #checkFolders(key: string): void {
    for (const other of this.#objects.keys()) {
      if (other.startsWith(`${key}/`) || key.startsWith(`${other}/`)) {
        throw new Error(`invariant: of the keys ${other} and ${key} one is the other's folder`);
      }
    }
  }
}

function holds(condition: PutCondition | undefined, stored: StoredObject | undefined): boolean {
  if (!condition) return true;
  return "ifMatch" in condition ? stored?.etag === condition.ifMatch : stored === undefined;
}
