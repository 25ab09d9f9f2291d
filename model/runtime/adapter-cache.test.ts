import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { makeRandomAdapter } from "../../test/helpers/random-adapter.ts";
import { makeTinyBackbone } from "../../test/helpers/tiny-backbone.ts";
import { parseBackbone } from "../backbone.ts";
import { ModelError } from "../errors.ts";
import { type Adapter, weightsOfInsertion } from "../spt/adapter.ts";
import { AdapterCache, FAILURE_MS_MIN } from "./adapter-cache.ts";

const BACKBONE = parseBackbone("tiny", makeTinyBackbone({ width: 4, heads: 2, layers: 2 }));
const generators = [{ layer: 1, pooling: "mean" as const, promptTokens: 2, bottleneck: 3 }];
const anAdapter = (seed: number) => makeRandomAdapter({ width: 4, seed, classes: 2, generators });
const BYTES = 4 * (4 * 3 + 3 * 2 * 4 + 2 * 4) + 4 * (2 * 4 + 2) + 1;

/** The first numbers of an adapter's generator, where the slab has them. */
function residentDown(cache: AdapterCache, slot: number | undefined): number[] {
  const { data, shape } = cache.slab(1, "mean").down;
  const size = (shape[1] ?? 0) * (shape[2] ?? 0);
  return [...data.subarray((slot ?? 0) * size, ((slot ?? 0) + 1) * size)];
}

const downOf = ({ insertions: [first] }: Adapter) => [...((first && weightsOfInsertion(first)[0]) ?? [])];

describe("the adapter cache", () => {
  test("loads a key once for all who ask while it loads, and not again while it is resident", async () => {
    const cache = new AdapterCache(BACKBONE, 10 * BYTES);
    let loads = 0;
    const { promise, resolve } = Promise.withResolvers<Adapter>();
    const load = () => {
      loads += 1;
      return promise;
    };
    const asking = [cache.acquire("a", load), cache.acquire("a", load), cache.acquire("a", load)];
    resolve(anAdapter(1));
    const [first, ...others] = await Promise.all(asking);
    for (const other of [...others, await cache.acquire("a", load)]) expect(other).toBe(first);
    expect(loads).toBe(1);
    expect(first?.uses).toBe(4);
    expect(cache.stats).toMatchObject({ adapters: 1, bytes: BYTES });
  });

  describe("after a failed load", () => {
    beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
    afterEach(() => void vi.useRealTimers());

    test("asks again, after a wait that doubles with each failure and ends with a success", async () => {
      const cache = new AdapterCache(BACKBONE, 10 * BYTES);
      let loads = 0;
      const failing = async () => {
        loads += 1;
        throw new ModelError("invalid_adapter", "broken");
      };
      for (const [failures, waitMs] of [FAILURE_MS_MIN, 2 * FAILURE_MS_MIN, 4 * FAILURE_MS_MIN].entries()) {
        await expect(cache.acquire("a", failing)).rejects.toThrow("broken");
        vi.advanceTimersByTime(waitMs - 1);
        await expect(cache.acquire("a", failing)).rejects.toThrow("broken");
        expect(loads).toBe(failures + 1);
        vi.advanceTimersByTime(1);
      }
      await expect(cache.acquire("b", async () => anAdapter(2))).resolves.toMatchObject({ uses: 1 });
      await expect(cache.acquire("a", async () => anAdapter(1))).resolves.toMatchObject({ uses: 1 });
    });
  });

  test("drops the least recently used adapter when its bytes run out", async () => {
    const cache = new AdapterCache(BACKBONE, 2 * BYTES);
    let loadsOfA = 0;
    const use = async (key: string, seed: number) => {
      const load = async () => {
        if (key === "a") loadsOfA += 1;
        return anAdapter(seed);
      };
      cache.release(await cache.acquire(key, load));
    };
    await use("a", 1);
    await use("b", 2);
    await use("a", 1);
    await use("c", 3);
    await use("a", 1);
    expect(loadsOfA).toBe(1);
    await use("b", 2);
    await use("c", 3);
    await use("a", 1);
    expect(loadsOfA).toBe(2);
    expect(cache.stats).toMatchObject({ adapters: 2, bytes: 2 * BYTES });
  });

  test("keeps those that leave the slabs in memory, from where they come back without a load", async () => {
    const observer = { adapterAsked: vi.fn(), adapterEvicted: vi.fn() };
    const cache = new AdapterCache(BACKBONE, BYTES, { observer, memoryBytesMax: BYTES });
    const loads: string[] = [];
    const use = async (key: string, seed: number) => {
      const load = async () => {
        loads.push(key);
        return anAdapter(seed);
      };
      const entry = await cache.acquire(key, load);
      expect(residentDown(cache, entry.slots[0])).toEqual(downOf(anAdapter(seed)));
      cache.release(entry);
    };
    for (const [key, seed] of [
      ...([
        ["a", 1],
        ["b", 2],
        ["a", 1],
        ["b", 2],
        ["c", 3],
        ["b", 2],
        ["a", 1],
      ] as const),
    ])
      await use(key, seed);
    expect(loads).toEqual(["a", "b", "c", "a"]);
    const outcomes = observer.adapterAsked.mock.calls.map(([outcome]) => outcome);
    expect(outcomes).toEqual(["loaded", "loaded", "memory", "memory", "loaded", "memory", "loaded"]);
    expect(observer.adapterEvicted.mock.calls.flat()).toContain("memory");
    expect(cache.stats).toMatchObject({ bytes: BYTES, memoryAdapters: 1, memoryBytes: BYTES });
  });

  test("gives back from memory the very numbers that passes read before, of every kind of insertion", async () => {
    const cache = new AdapterCache(BACKBONE, 1_000, { memoryBytesMax: 1_000 });
    const both = (seed: number) =>
      makeRandomAdapter({
        ...{ width: 4, seed, classes: 2, generators },
        ...{ scaleShift: [0], lowRank: [{ layer: 0, rank: 2 }] },
      });
    const weightsOf = ({
      slots: [sums = -1, updates = -1, generator = -1],
    }: {
      slots: readonly number[];
    }) => [cache.slab(1, "mean").read(generator), cache.norms(0).read(sums), cache.lowRanks(0).read(updates)];
    const first = await cache.acquire("a", async () => both(1));
    const before = weightsOf(first);
    cache.release(first);
    for (let seed = 2; !first.evicted; seed++)
      cache.release(await cache.acquire(`${seed}`, async () => both(seed)));
    const back = await cache.acquire("a", () => expect.unreachable());
    expect(back).not.toBe(first);
    expect(weightsOf(back)).toEqual(before);
  });

  test("gives adapters that need each other's room to all who ask at once, and does not drive them out for ever", async () => {
    const cache = new AdapterCache(BACKBONE, BYTES, { memoryBytesMax: 10 * BYTES });
    const keys = ["a", "b", "c"];
    for (let round = 0; round < 3; round++) {
      const held = await Promise.all(
        keys.map((key, seed) => cache.acquire(key, async () => anAdapter(seed))),
      );
      for (const [seed, entry] of held.entries()) {
        expect(residentDown(cache, entry.slots[0])).toEqual(downOf(anAdapter(seed)));
        cache.release(entry);
      }
    }
  });

  test("keeps the weights of an evicted adapter in place until every use of it is released", async () => {
    const cache = new AdapterCache(BACKBONE, BYTES);
    const [a, b, c, d] = [anAdapter(1), anAdapter(2), anAdapter(3), anAdapter(4)];
    const held = await cache.acquire("a", async () => a);
    expect(await cache.acquire("a", async () => a)).toBe(held);
    const second = await cache.acquire("b", async () => b);
    expect(held.evicted).toBe(true);
    expect(second.slots).not.toEqual(held.slots);
    cache.release(held);
    const third = await cache.acquire("c", async () => c);
    expect(third.slots).not.toEqual(held.slots);
    expect(residentDown(cache, held.slots[0])).toEqual(downOf(a));
    cache.release(held);
    const fourth = await cache.acquire("d", async () => d);
    expect(fourth.slots).toEqual(held.slots);
    expect(residentDown(cache, held.slots[0])).toEqual(downOf(d));
    expect(residentDown(cache, second.slots[0])).toEqual(downOf(b));
    expect(residentDown(cache, third.slots[0])).toEqual(downOf(c));
  });

  test("loads an adapter anew that was evicted while a use of it lasts, into a slot of its own", async () => {
    const cache = new AdapterCache(BACKBONE, BYTES);
    const held = await cache.acquire("a", async () => anAdapter(1));
    cache.release(await cache.acquire("b", async () => anAdapter(2)));
    const again = await cache.acquire("a", async () => anAdapter(1));
    expect(again).not.toBe(held);
    expect(again.slots).not.toEqual(held.slots);
    cache.release(held);
    expect(residentDown(cache, again.slots[0])).toEqual(downOf(anAdapter(1)));
  });

  test("refuses an adapter larger than the whole cache, and one of another encoder, and takes no slot", async () => {
    const cache = new AdapterCache(BACKBONE, BYTES - 1);
    const { slabBytes } = cache.stats;
    await expect(cache.acquire("a", async () => anAdapter(1))).rejects.toMatchObject({
      code: "invalid_adapter",
    });
    const other = parseBackbone("other", makeTinyBackbone({ width: 8, heads: 2, layers: 2 }));
    const narrow = new AdapterCache(other, BYTES);
    await expect(narrow.acquire("a", async () => anAdapter(1))).rejects.toMatchObject({
      code: "backbone_mismatch",
    });
    expect(cache.stats).toMatchObject({ adapters: 0, bytes: 0, slabBytes, memoryBytes: 0 });
    expect(narrow.stats.adapters).toBe(0);
  });
});
