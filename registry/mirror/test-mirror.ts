// For the tests of this room: what two stores answer, compared, and a target that is looked at after each write.
import { expect } from "vitest";
import { stateSchema } from "../adapter-state.ts";
import { createRegistry } from "../create-registry.ts";
import { checkStore } from "../fsck/check-store.ts";
import {
  type AdapterOwner,
  blobKey,
  claimKey,
  describeKey,
  historySegmentKey,
  manifestKey,
  versionOfKey,
} from "../layout.ts";
import { decodeManifest } from "../manifest.ts";
import type { ListOptions, ObjectPart, ObjectStore, PutCondition } from "../object-store/object-store.ts";
import { readRecord } from "../records.ts";
import { type AdapterName, parseAdapterName, parseTenantId, type Registry } from "../registry.ts";
import { alpha, dump } from "../test-registry.ts";
import { segmentsOf } from "./find-gap.ts";

/** All that readers of a tenant can ask for, errors included. Nothing of it is changed. */
export async function answersOf(
  { store, names }: { store: ObjectStore; names: readonly AdapterName[] },
  now?: () => Date,
): Promise<unknown> {
  const registry = createRegistry(now ? { store, now } : { store });
  const answers: Record<string, unknown> = {
    adapters: await registry.listAdapters(alpha),
    audit: await pagesOf((after) => registry.listAudit(alpha, after === undefined ? {} : { after })),
  };
  for (const name of names) {
    answers[`${name} versions`] = await told(registry.listVersions(alpha, name, { limit: 200 }));
    answers[`${name} history`] = await told(registry.listHistory(alpha, name, { limit: 200 }));
    const aliases = await registry.listAliases(alpha, name).catch(() => []);
    for (const { alias, ...rest } of aliases) {
      const { manifest, digest } = await registry.resolve(alpha, { name, alias });
      const { weights } = await registry.readFiles(alpha, manifest);
      answers[`${name}@${alias}`] = { ...rest, digest, weights: String(weights) };
    }
  }
  return answers;
}

async function pagesOf(
  list: (after: string | undefined) => Promise<{ entries: readonly unknown[]; next?: string }>,
): Promise<unknown[]> {
  const entries: unknown[] = [];
  for (let after: string | undefined; ; ) {
    const page = await list(after);
    entries.push(...page.entries);
    if (page.next === undefined) return entries;
    after = page.next;
  }
}

/** What it answers, or the error's code. */
export function told(call: Promise<unknown>): Promise<unknown> {
  return call.catch((error: { code?: string }) => error.code ?? Promise.reject(error));
}

/** What rollbacks, publishes and restorations say next; they change the store. */
export async function nextOf(registry: Registry, name: AdapterName): Promise<unknown[]> {
  return [
    await told(registry.rollback(alpha, name, { alias: "production" })),
    await told(registry.restoreVersion(alpha, name, { version: 1 })),
    await told(registry.restoreAdapter(alpha, name)),
    await told(registry.rollback(alpha, name, { alias: "canary" })),
  ];
}

/** Whatever its age. */
export async function findingsOf(store: ObjectStore): Promise<string[]> {
  const found: string[] = [];
  await checkStore(store, { graceMs: 0, onFinding: ({ code, key }) => found.push(`${code} ${key}`) });
  return found;
}

/** All but what each store counts for itself. */
export async function objectsOf(store: ObjectStore): Promise<Map<string, string>> {
  const objects = await dump(store);
  for (const key of objects.keys()) if (key.endsWith("/usage.json")) objects.delete(key);
  return objects;
}

/** A store whose calls are told of before they are made, and wait for who was told. */
export function hooked(store: ObjectStore, before: (call: string) => Promise<unknown>): ObjectStore {
  return {
    description: store.description,
    get: (key) => before(`get ${key}`).then(() => store.get(key)),
    getPart: (key, part) => before(`get ${key}`).then(() => store.getPart(key, part)),
    put: (key, bytes, condition) => before(`put ${key}`).then(() => store.put(key, bytes, condition)),
    delete: (key) => before(`delete ${key}`).then(() => store.delete(key)),
    list: (options) => before(`list ${options.prefix}`).then(() => store.list(options)),
    check: () => store.check(),
    close: () => store.close(),
  };
}

/** A target as its readers see it: whatever was just written, all that it needs is there. */
export class WatchedStore implements ObjectStore {
  readonly description: string;
  readonly #store: ObjectStore;
  /** States that were seen. */
  states = 0;

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

  async put(key: string, bytes: Uint8Array, condition?: PutCondition) {
    const result = await this.#store.put(key, bytes, condition);
    if (result.stored) await this.#look(key);
    return result;
  }

  async delete(key: string): Promise<void> {
    if (!key.startsWith("probes/")) throw new Error(`a mirror removes nothing, and this ${key}`);
    await this.#store.delete(key);
  }

  check() {
    return this.#store.check();
  }

  close() {
    return this.#store.close();
  }

  async #look(key: string): Promise<void> {
    const { kind, tenant, name } = describeKey(key) ?? { kind: undefined, tenant: "", name: "" };
    if (kind !== "manifest" && kind !== "state") return;
    const owner = { tenant: parseTenantId(tenant), name: parseAdapterName(name) };
    if (kind === "manifest") return this.#requireWhole(owner, versionOfKey(key));
    const state = (await readRecord(this.#store, key, stateSchema))?.value ?? expect.unreachable();
    this.states += 1;
    const needed = segmentsOf(state).map((segment) => historySegmentKey(owner, segment));
    for (const segment of needed) expect(await this.#store.get(segment)).toBeDefined();
    if (state.deleted) return;
    for (const { version } of state.aliases) await this.#requireWhole(owner, version);
  }

  async #requireWhole(owner: AdapterOwner, version: number): Promise<void> {
    const stored = await this.#store.get(manifestKey(owner, version));
    expect(stored, `${owner.name}:${version}`).toBeDefined();
    expect(await this.#store.get(claimKey(owner, version))).toBeDefined();
    const { manifest } = decodeManifest(stored?.bytes ?? new Uint8Array(), { ...owner, version });
    for (const file of manifest.files) {
      const blob = await this.#store.get(blobKey(owner.tenant, file));
      expect(blob?.bytes.byteLength).toBe(file.bytes);
    }
  }
}
