// Random concurrent use of one store by two processes, every store call interleaved by fast-check.
import fc from "fast-check";
import { expect, it } from "vitest";
import { createRegistry } from "./create-registry.ts";
import { MemoryStore } from "./object-store/memory.ts";
import type { ObjectStore } from "./object-store/object-store.ts";
import { parseAdapterName, parseTenantId, type Registry, type ResolvedAdapter } from "./registry.ts";
import { decode, publishRequest } from "./test-registry.ts";

interface Operation {
  readonly kind: "publish" | "setAlias" | "resolve";
  readonly process: 0 | 1;
  readonly tenant: "alpha" | "beta";
  readonly name: "router" | "filter";
  readonly version: number;
  readonly idempotencyKey: "job-1" | "job-2" | undefined;
}

const operations = fc.array(
  fc.record<Operation>({
    kind: fc.constantFrom("publish", "publish", "setAlias", "resolve"),
    process: fc.constantFrom(0, 1),
    tenant: fc.constantFrom("alpha", "beta"),
    name: fc.constantFrom("router", "filter"),
    version: fc.integer({ min: 1, max: 4 }),
    idempotencyKey: fc.constantFrom(undefined, undefined, "job-1", "job-2"),
  }),
  { minLength: 1, maxLength: 10 },
);

it("no acknowledged publish is lost, numbers are unique, versions never change, production is the newest", async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), operations, async (scheduler, plan) => {
      const store = new MemoryStore();
      const processes = [0, 1].map(() => createRegistry({ store: interleave(store, scheduler) }));
      const model = new Model();
      const running = plan.map((operation, index) =>
        run(processes[operation.process] as Registry, { operation, text: `text ${index}`, model }),
      );
      await scheduler.waitFor(Promise.all(running));
      await model.compare(createRegistry({ store }));
    }),
    { numRuns: 150 },
  );
}, 60_000);

async function run(
  registry: Registry,
  { operation, text, model }: { operation: Operation; text: string; model: Model },
): Promise<void> {
  const tenant = parseTenantId(operation.tenant);
  const name = parseAdapterName(operation.name);
  const { kind, version, idempotencyKey } = operation;
  try {
    if (kind === "publish") {
      // A key is one job's, and a job has one adapter.
      const key = idempotencyKey && `${idempotencyKey}-${name}`;
      const request = publishRequest(text, { name, ...(key && { idempotencyKey: key }) });
      model.published(operation, { adapter: await registry.publish(tenant, request), key });
    } else if (kind === "setAlias") {
      await registry.setAlias(tenant, name, { alias: "stable", version });
      model.moved(operation);
    } else {
      const adapter = await registry.resolve(tenant, { name, alias: "production" });
      model.seen(operation, adapter);
      await registry.readFiles(tenant, adapter.manifest);
    }
  } catch (error) {
    // Nothing is there yet: all that may go wrong.
    expect(error).toMatchObject({ code: expect.stringMatching(/^(adapter|alias|version)_not_found$/) });
  }
}

class Model {
  /** "tenant/name" → version → digest, of all that was acknowledged or seen. */
  readonly #digests = new Map<string, Map<number, string>>();
  readonly #byKey = new Map<string, number>();
  readonly #unkeyed = new Map<string, number[]>();
  readonly #moves = new Map<string, Set<number>>();

  published(
    operation: Operation,
    { adapter, key }: { adapter: ResolvedAdapter; key: string | undefined },
  ): void {
    this.seen(operation, adapter);
    const { version } = adapter;
    if (key === undefined) {
      const others = this.#unkeyed.get(idOf(operation)) ?? [];
      expect(others).not.toContain(version);
      this.#unkeyed.set(idOf(operation), [...others, version]);
      return;
    }
    const keyed = `${idOf(operation)}/${key}`;
    expect(this.#byKey.get(keyed) ?? version).toBe(version);
    this.#byKey.set(keyed, version);
  }

  seen(operation: Operation, { version, digest }: ResolvedAdapter): void {
    const digests = this.#digests.get(idOf(operation)) ?? new Map<number, string>();
    expect(digests.get(version) ?? digest).toBe(digest);
    this.#digests.set(idOf(operation), digests.set(version, digest));
  }

  moved(operation: Operation): void {
    const id = idOf(operation);
    this.#moves.set(id, (this.#moves.get(id) ?? new Set()).add(operation.version));
  }

  async compare(registry: Registry): Promise<void> {
    for (const [id, digests] of this.#digests) {
      const [tenant, name] = [
        parseTenantId(id.split("/")[0] ?? ""),
        parseAdapterName(id.split("/")[1] ?? ""),
      ];
      const { versions } = await registry.listVersions(tenant, name);
      expect(new Map(versions.map(({ version, digest }) => [version, digest]))).toEqual(
        new Map([...digests].sort(([left], [right]) => right - left)),
      );
      for (const version of digests.keys()) {
        const { manifest } = await registry.resolve(tenant, { name, version });
        const { config, weights } = await registry.readFiles(tenant, manifest);
        expect(decode(weights)).toBe(decode(config).replace("config", "weights"));
      }
      const { aliases } =
        (await registry.listAdapters(tenant)).adapters.find((entry) => entry.name === name) ?? {};
      expect(aliases?.production).toBe(Math.max(...digests.keys()));
      if (aliases?.stable !== undefined) expect([...(this.#moves.get(id) ?? [])]).toContain(aliases.stable);
      else expect(this.#moves.get(id)).toBeUndefined();
    }
  }
}

function idOf({ tenant, name }: Operation): string {
  return `${tenant}/${name}`;
}

/** Each call waits until the scheduler lets it through, so calls take effect in any order. */
function interleave(store: ObjectStore, scheduler: fc.Scheduler): ObjectStore {
  const turn = (label: string) => scheduler.schedule(Promise.resolve(), label);
  return {
    description: store.description,
    get: (key) => turn(`get ${key}`).then(() => store.get(key)),
    getPart: (key, part) => turn(`get ${key}`).then(() => store.getPart(key, part)),
    put: (key, bytes, condition) => turn(`put ${key}`).then(() => store.put(key, bytes, condition)),
    delete: (key) => turn(`delete ${key}`).then(() => store.delete(key)),
    list: (options) => turn(`list ${options.prefix}`).then(() => store.list(options)),
    check: () => store.check(),
    close: () => store.close(),
  };
}
