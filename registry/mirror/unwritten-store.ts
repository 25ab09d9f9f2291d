// For a dry run: a store that is read and never written. What would be written is answered as if it were.
import type {
  ListOptions,
  ObjectPart,
  ObjectStore,
  PutCondition,
  PutResult,
} from "../object-store/object-store.ts";

export class UnwrittenStore implements ObjectStore {
  readonly description: string;
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
    this.description = store.description;
  }

  get(key: string) {
    return this.#store.get(key);
  }

  getPart(key: string, part: ObjectPart) {
    return this.#store.getPart(key, part);
  }

  list(options: ListOptions) {
    return this.#store.list(options);
  }

  /** By what stands, whether the condition holds. */
  async put(key: string, _bytes: Uint8Array, condition?: PutCondition): Promise<PutResult> {
    const standing = condition && (await this.#store.get(key));
    const isMet =
      !condition || ("ifMatch" in condition ? standing?.etag === condition.ifMatch : standing === undefined);
    return isMet ? { stored: true, etag: standing?.etag ?? "unwritten" } : { stored: false };
  }

  async delete(_key: string): Promise<void> {}

  async check(): Promise<void> {}

  close(): Promise<void> {
    return this.#store.close();
  }
}
