// A mirror that dies at any of its calls, run again: the result is that of one that never died.
import { expect, it } from "vitest";
import { createRegistry } from "../create-registry.ts";
import { HISTORY_SEGMENT_CHANGES } from "../limits.ts";
import { MemoryStore } from "../object-store/memory.ts";
import type { ObjectStore } from "../object-store/object-store.ts";
import { parseAdapterName } from "../registry.ts";
import { alpha, dump, encode, publishRequest, router } from "../test-registry.ts";
import { type MirrorOptions, mirrorStore } from "./mirror-store.ts";
import { findingsOf, objectsOf, WatchedStore } from "./test-mirror.ts";

const now = () => new Date(Date.UTC(2026, 0, 1));
const nowMs = () => now().getTime();

interface Case extends MirrorOptions {
  readonly isFirst: boolean;
}

/** A source, and a target that has what the source had before, all but for the first of the two. */
async function makeStores({ isFirst, ...options }: Case): Promise<Record<"source" | "target", MemoryStore>> {
  const [source, target] = [new MemoryStore(nowMs), new MemoryStore(nowMs)];
  const registry = createRegistry({ store: source, now });
  await registry.publish(alpha, publishRequest("one"));
  await registry.publish(alpha, publishRequest("other", { name: parseAdapterName("spam") }));
  // So that there is a record of what is used before.
  await createRegistry({ store: target, now }).getUsage(alpha);
  if (!isFirst) await mirrorStore({ source, target }, options);
  await registry.publish(alpha, publishRequest("two"));
  for (let change = 0; change < 2 * HISTORY_SEGMENT_CHANGES; change += 1) {
    await registry.setAlias(alpha, router, { alias: "canary", version: 1 + (change % 2) });
  }
  await registry.deleteAdapter(alpha, parseAdapterName("spam"));
  await registry.putDataset(alpha, {
    ...{ bytes: encode("text,label\na,b\n"), rows: 1, labels: ["b"], fileName: "a.csv" },
    ...{ mediaType: "text/csv", columns: { text: "text", label: "label" } },
  });
  return { source, target };
}

async function copyOf(store: ObjectStore): Promise<MemoryStore> {
  const copy = new MemoryStore(nowMs);
  for (const [key, content] of await dump(store)) await copy.put(key, encode(content));
  return copy;
}

/** Counts the calls of both stores, and dies at one of them: before it is made, or after. */
class Death {
  calls = 0;
  readonly #at: number;
  readonly #isAfter: boolean;

  constructor(at: number, isAfter: boolean) {
    this.#at = at;
    this.#isAfter = isAfter;
  }

  async #call<Result>(call: () => Promise<Result>): Promise<Result> {
    const number = this.calls++;
    if (number === this.#at && this.#isAfter) await call();
    if (number >= this.#at) throw new Error("the process is dead");
    return call();
  }

  over(store: ObjectStore): ObjectStore {
    return {
      description: store.description,
      get: (key) => this.#call(() => store.get(key)),
      getPart: (key, part) => this.#call(() => store.getPart(key, part)),
      put: (key, bytes, condition) => this.#call(() => store.put(key, bytes, condition)),
      delete: (key) => this.#call(() => store.delete(key)),
      list: (listing) => this.#call(() => store.list(listing)),
      check: () => store.check(),
      close: () => store.close(),
    };
  }
}

it.each<[string, Case]>([
  ["a first mirror", { isFirst: true, datasets: true }],
  ["a mirror of changes", { isFirst: false, datasets: true }],
  ["a mirror of one adapter", { isFirst: false, name: router }],
])("%s that dies at any call is made whole by the next", async (_, { isFirst, ...options }) => {
  const { source, target } = await makeStores({ isFirst, ...options });
  const before = await copyOf(target);
  const whole = new Death(Number.POSITIVE_INFINITY, false);
  await mirrorStore({ source: whole.over(source), target: whole.over(target) }, options);
  const expected = await objectsOf(target);
  const used = await createRegistry({ store: target, now }).getUsage(alpha);
  expect(whole.calls).toBeGreaterThan(60);
  for (let at = 0; at < whole.calls; at += 1) {
    const interrupted = await copyOf(before);
    const death = new Death(at, at % 2 === 0);
    const watched = new WatchedStore(interrupted);
    const dying = mirrorStore({ source: death.over(source), target: death.over(watched) }, options);
    await expect(dying).rejects.toThrow("the process is dead");
    await mirrorStore({ source, target: watched }, options);
    expect(await objectsOf(interrupted)).toEqual(expected);
    expect(await createRegistry({ store: interrupted, now }).getUsage(alpha)).toEqual(used);
  }
  expect(await findingsOf(target)).toEqual([]);
});
