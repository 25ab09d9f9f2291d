// A store that counts what is asked of it.
import type { ObjectStore } from "#registry";

export class CountingStore implements ObjectStore {
  readonly description: string;
  readonly calls = { list: 0, get: 0 };
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
    this.description = store.description;
  }

  get(key: string) {
    this.calls.get += 1;
    return this.#store.get(key);
  }

  getPart(...read: Parameters<ObjectStore["getPart"]>) {
    this.calls.get += 1;
    return this.#store.getPart(...read);
  }

  list(options: Parameters<ObjectStore["list"]>[0]) {
    this.calls.list += 1;
    return this.#store.list(options);
  }

  put(...write: Parameters<ObjectStore["put"]>) {
    return this.#store.put(...write);
  }

  delete(key: string) {
    return this.#store.delete(key);
  }

  check() {
    return this.#store.check();
  }

  close() {
    return this.#store.close();
  }
}
