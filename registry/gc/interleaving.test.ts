// A writer and a collector of one content, each halted before each of its calls to the store while the other does all
// that it can in any time: also a deletion that was decided, and comes days later.
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRegistry } from "../create-registry.ts";
import { digestOf } from "../digest.ts";
import { blobKey, blobKeyOf } from "../layout.ts";
import { RESTORE_MS_DEFAULT } from "../limits.ts";
import { MemoryStore } from "../object-store/memory.ts";
import type { ListOptions, ObjectPage, ObjectStore } from "../object-store/object-store.ts";
import { type PublishedAdapter, parseAdapterName, type Registry } from "../registry.ts";
import { alpha, decode, encode, publishRequest, router } from "../test-registry.ts";
import { putMark } from "./garbage-mark.ts";
import { keepCopy } from "./keep-copy.ts";

const HOUR_MS = 60 * 60 * 1_000;
const MINUTE_MS = 60_000;
const weights = encode("weights of one");

/** A store on a clock, on which the content lies unnamed: never marked, or marked, by so many collections. */
async function createScene(collections: number) {
  const clock = { nowMs: Date.UTC(2026, 0, 1) };
  const store = new MemoryStore(() => clock.nowMs);
  const open = (on: ObjectStore = store) => createRegistry({ store: on, now: () => new Date(clock.nowMs) });
  const blob = blobKey(alpha, { digest: digestOf(weights), copy: "0".repeat(32) });
  await store.put(blob, weights);
  await collect(open(), clock, collections);
  return { clock, store, open, blob };
}

/** Each long after the one before. */
async function collect(registry: Registry, clock: { nowMs: number }, collections: number): Promise<void> {
  for (let collection = 0; collection < collections; collection += 1) {
    clock.nowMs += 2 * HOUR_MS;
    await registry.collectGarbage(alpha, { graceMs: HOUR_MS });
  }
}

const publish = (registry: Registry) => registry.publish(alpha, publishRequest("one"));

/** What was acknowledged is whole, and stays so however often garbage is collected; what was not, is a conflict. */
async function expectWhole(
  { clock, open }: Awaited<ReturnType<typeof createScene>>,
  outcome: PublishedAdapter | { code?: string },
): Promise<void> {
  if (!("manifest" in outcome)) expect(outcome.code).toBe("conflict");
  await collect(open(), clock, 3);
  if (!("manifest" in outcome)) return;
  const files = await open().readFiles(alpha, outcome.manifest);
  expect(decode(files.weights)).toBe("weights of one");
}

/** Holds one call until it is let go: that of a number, or the first that is meant. */
class Halting {
  readonly store: ObjectStore;
  readonly reached: Promise<boolean>;
  #calls = 0;
  #letGo: () => void = () => undefined;
  #reach: (isReached: boolean) => void = () => undefined;

  constructor(store: ObjectStore, which: number | ((call: string) => boolean)) {
    this.reached = new Promise((resolve) => {
      this.#reach = resolve;
    });
    const gate = new Promise<void>((resolve) => {
      this.#letGo = resolve;
    });
    const hold = async (call: string) => {
      this.#calls += 1;
      if (typeof which === "number" ? this.#calls !== which : !which(call)) return;
      this.#reach(true);
      await gate;
    };
    this.store = before(store, hold);
  }

  /** The work as far as it goes without the call; whether it came to it. */
  isHalted(work: Promise<unknown>): Promise<boolean> {
    const ended = () => this.#reach(false);
    work.then(ended, ended);
    return this.reached;
  }

  letGo(): void {
    this.#letGo();
  }
}

function before(store: ObjectStore, wait: (call: string) => Promise<unknown>): ObjectStore {
  return {
    description: store.description,
    get: (key) => wait(`get ${key}`).then(() => store.get(key)),
    getPart: (key, part) => wait(`get ${key}`).then(() => store.getPart(key, part)),
    put: (key, bytes, condition) => wait(`put ${key}`).then(() => store.put(key, bytes, condition)),
    delete: (key) => wait(`delete ${key}`).then(() => store.delete(key)),
    list: (options) => listTorn(store, options, wait),
    check: () => store.check(),
    close: () => store.close(),
  };
}

/** Marks as they are some time after the blobs beside them: no store promises a listing of one moment. */
async function listTorn(
  store: ObjectStore,
  options: ListOptions,
  wait: (call: string) => Promise<unknown>,
): Promise<ObjectPage> {
  await wait(`list ${options.prefix}`);
  const page = await store.list(options);
  if (!options.prefix.includes("/blobs/")) return page;
  await wait(`list ${options.prefix}, marks`);
  const later = await store.list(options);
  const isMark = (key: string) => blobKeyOf(key) !== key;
  const objects = [
    ...(page.objects ?? []).filter(({ key }) => !isMark(key)),
    ...(later.objects ?? []).filter(({ key }) => isMark(key)),
  ].sort((left, right) => (left.key < right.key ? -1 : 1));
  const keys = [...page.keys.filter((key) => !isMark(key)), ...later.keys.filter(isMark)].sort();
  return { ...page, keys: keys.slice(0, options.limit), ...(options.withDetails && { objects }) };
}

const outcomeOf = <Value>(work: Promise<Value>) => work.catch((error: { code?: string }) => error);

describe("however long they stand still", () => {
  it.each([0, 1, 2])(
    "a publish, halted before each of its calls (%i collections before), is whole or refused",
    async (collections) => {
      for (let call = 1; ; call += 1) {
        for (const during of [0, 1, 2, 4]) {
          const scene = await createScene(collections);
          const halting = new Halting(scene.store, call);
          const publishing = outcomeOf(publish(scene.open(halting.store)));
          const isHalted = await halting.isHalted(publishing);
          await collect(scene.open(), scene.clock, during);
          halting.letGo();
          await expectWhole(scene, await publishing);
          if (isHalted) continue;
          expect(call).toBeGreaterThan(15);
          return;
        }
      }
    },
  );

  it.each([0, 1, 2])(
    "a collection, halted before each of its calls (%i before it), removes nothing that is published meanwhile",
    async (collections) => {
      for (let call = 1; ; call += 1) {
        for (const [first, then] of [
          [0, 0],
          [1, 0],
          [2, 0],
          [3, 1],
          [4, 4],
        ] as const) {
          const scene = await createScene(collections);
          const halting = new Halting(scene.store, call);
          const collecting = outcomeOf(collect(scene.open(halting.store), scene.clock, 1));
          const isHalted = await halting.isHalted(collecting);
          await collect(scene.open(), scene.clock, first);
          const published = await publish(scene.open());
          await collect(scene.open(), scene.clock, then);
          halting.letGo();
          expect(await collecting).toBeUndefined();
          await expectWhole(scene, published);
          if (isHalted) continue;
          expect(call).toBeGreaterThan(8);
          return;
        }
      }
    },
  );

  it("a look at a copy, halted before each of its calls while that is collected, does not take it for kept", async () => {
    for (const call of [1, 2, 3, 4]) {
      const scene = await createScene(1);
      const swapping = new Halting(scene.store, (what) => what.startsWith("put") && what.endsWith(".mark"));
      const collecting = collect(scene.open(swapping.store), scene.clock, 1);
      expect(await swapping.isHalted(collecting)).toBe(true);
      const halting = new Halting(scene.store, call);
      const looking = keepCopy({ store: halting.store, randomBytes }, scene.blob);
      await halting.isHalted(looking);
      swapping.letGo();
      await collecting;
      const isCollected = (await scene.store.get(scene.blob)) === undefined;
      // Until nothing tells of it any more.
      if (isCollected) await collect(scene.open(), scene.clock, 2);
      halting.letGo();
      expect(await looking).toBe(isCollected ? "gone" : "rescued");
      // Once it has swapped the mark, or before.
      expect(isCollected).toBe(call <= 2);
    }
  });

  it("a mark that comes after its copy was removed, and the mark before it, keeps nothing", async () => {
    const { store, open, clock, blob } = await createScene(3);
    expect((await store.list({ prefix: blob })).keys).toEqual([]);
    const late = { store, randomBytes };
    await putMark(late, blob, { state: "marked", over: undefined });
    expect(await keepCopy(late, blob)).toBe("gone");
    await collect(open(), clock, 3);
    expect((await store.list({ prefix: blob })).keys).toEqual([]);
  });

  it("both, halted at any two calls, while time passes", async () => {
    const call = fc.integer({ min: 1, max: 30 });
    const collections = fc.integer({ min: 0, max: 3 });
    const plan = fc.record({ before: collections, writer: call, collector: call, during: collections });
    await fc.assert(
      fc.asyncProperty(plan, fc.boolean(), async (halts, isWriterFirst) => {
        const scene = await createScene(halts.before);
        const [writer, collector] = [halts.writer, halts.collector].map((at) => new Halting(scene.store, at));
        if (!writer || !collector) throw new Error("two are needed");
        const publishing = outcomeOf(publish(scene.open(writer.store)));
        await writer.isHalted(publishing);
        const collecting = outcomeOf(collect(scene.open(collector.store), scene.clock, 1));
        await collector.isHalted(collecting);
        await collect(scene.open(), scene.clock, halts.during);
        if (isWriterFirst) writer.letGo();
        else collector.letGo();
        await (isWriterFirst ? publishing : collecting);
        writer.letGo();
        collector.letGo();
        await Promise.all([publishing, collecting]);
        await expectWhole(scene, await publishing);
      }),
      { numRuns: 120 },
    );
  });
});

it("every call of writers and collectors in any order, minutes and hours between: what is acknowledged is whole", async () => {
  const waits = fc.array(fc.constantFrom(MINUTE_MS, 14 * MINUTE_MS, HOUR_MS, 2 * HOUR_MS), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      waits,
      fc.integer({ min: 0, max: 3 }),
      async (scheduler, passing, collections) => {
        const scene = await createScene(collections);
        const turn = (label: string) => scheduler.schedule(Promise.resolve(), label);
        const open = () => scene.open(before(scene.store, turn));
        const time = (async () => {
          for (const waitMs of passing) {
            await turn(`${waitMs} ms`);
            scene.clock.nowMs += waitMs;
          }
        })();
        const work = Promise.all([
          outcomeOf(publish(open())),
          outcomeOf(publish(open())),
          ...[1, 2].map((count) => outcomeOf(collect(open(), { nowMs: 0 }, count)).then(() => undefined)),
          time.then(() => undefined),
        ]);
        await scheduler.waitFor(work);
        for (const outcome of (await work).slice(0, 2)) if (outcome) await expectWhole(scene, outcome);
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);

describe("a version whose adapter is deleted for good while its content is published again", () => {
  it("is gone, and the new one is whole", async () => {
    const { clock, open } = await createScene(0);
    const registry = open();
    const old = await publish(registry);
    await registry.deleteAdapter(alpha, router);
    clock.nowMs += RESTORE_MS_DEFAULT;
    for (let collections = 0; collections < 5; collections += 1) {
      await collect(registry, clock, 1);
      const name = parseAdapterName(`again-${collections}`);
      const adapter = await registry.publish(alpha, publishRequest("one", { name }));
      await collect(registry, clock, collections);
      expect(decode((await open().readFiles(alpha, adapter.manifest)).weights)).toBe("weights of one");
      await registry.deleteAdapter(alpha, name);
      clock.nowMs += RESTORE_MS_DEFAULT;
    }
    await collect(registry, clock, 5);
    await expect(open().readFiles(alpha, old.manifest)).rejects.toMatchObject({ code: "blob_not_found" });
  });
});
