// What every object store must do; run against memory, a folder, a real S3 server and wrangler's R2. A
// store of your own passes when this suite does.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OBJECT_BYTES_MAX, type ObjectStore } from "./object-store.ts";

export interface ContractStore {
  readonly store: ObjectStore;
  /** Another client of the same objects, as another process would have. */
  readonly other: ObjectStore;
  dispose(): Promise<void>;
}

export interface ContractOptions {
  /** Of a store that knows no folders: "x" and "x/y" may both stand. The registry has no such keys. */
  readonly keepsNestedKeys?: boolean;
}

const WRITERS = 12;

export function describeObjectStore(
  name: string,
  makeStore: () => Promise<ContractStore>,
  { keepsNestedKeys = false }: ContractOptions = {},
): void {
  describe(`object store contract: ${name}`, () => {
    let made: ContractStore;
    let store: ObjectStore;
    let other: ObjectStore;
    let folders = 0;
    /** Each test has keys of its own. */
    const newFolder = () => `contract/test-${++folders}/`;

    beforeAll(async () => {
      made = await makeStore();
      ({ store, other } = made);
    }, 30_000);
    afterAll(() => made?.dispose());

    describe("get and put", () => {
      it("gives back the bytes that were put, empty, binary and large ones too", async () => {
        const folder = newFolder();
        const large = Uint8Array.from({ length: 1_000_000 }, (_, index) => (index * 31) % 256);
        for (const [index, bytes] of [new Uint8Array(), Uint8Array.of(0, 255, 10, 13), large].entries()) {
          await store.put(`${folder}${index}`, bytes);
          expect(Buffer.compare((await other.get(`${folder}${index}`))?.bytes ?? text("none"), bytes)).toBe(
            0,
          );
        }
      });

      it("gives plain arrays that own the whole of their buffer, so that typed views are aligned", async () => {
        const key = `${newFolder()}a`;
        await store.put(key, Buffer.from("12345678"));
        const bytes = (await store.get(key))?.bytes;
        expect(bytes?.constructor).toBe(Uint8Array);
        expect([bytes?.byteOffset, bytes?.buffer.byteLength]).toEqual([0, 8]);
      });

      it("gives a part of an object, or what there is of it, and of what ends before none", async () => {
        const key = `${newFolder()}a`;
        await store.put(key, text("0123456789"));
        const part = async (from: number, bytesMax: number) => {
          const bytes = await other.getPart(key, { from, bytesMax });
          return bytes && new TextDecoder().decode(bytes);
        };
        expect(await part(0, 10)).toBe("0123456789");
        expect(await part(0, 1)).toBe("0");
        expect(await part(3, 4)).toBe("3456");
        expect(await part(8, 100)).toBe("89");
        expect(await part(10, 1)).toBeUndefined();
        expect(await store.getPart(`${key}-absent`, { from: 0, bytesMax: 1 })).toBeUndefined();
        await store.put(`${key}-empty`, new Uint8Array());
        expect(await store.getPart(`${key}-empty`, { from: 0, bytesMax: 1 })).toBeUndefined();
      });

      it("knows nothing of a key that was never put, nor of a key's folder", async () => {
        const folder = newFolder();
        await store.put(`${folder}a/b`, text("b"));
        expect(await store.get(`${folder}b`)).toBeUndefined();
        expect(await store.get(`${folder}a`)).toBeUndefined();
        expect(await store.get(`${folder}missing/b`)).toBeUndefined();
      });

      it("replaces on an unconditional put, and the etag follows the content", async () => {
        const key = `${newFolder()}a`;
        const first = await store.put(key, text("1"));
        const second = await other.put(key, text("2"));
        const stored = await store.get(key);
        expect(read(stored)).toBe("2");
        expect(second).toEqual({ stored: true, etag: stored?.etag });
        expect(first).not.toEqual(second);
      });

      it("keeps what it was given, whatever the caller does to the array later", async () => {
        const key = `${newFolder()}a`;
        const bytes = text("kept");
        await store.put(key, bytes);
        bytes.fill(0);
        (await store.get(key))?.bytes.fill(0);
        expect(read(await store.get(key))).toBe("kept");
      });

      it("tells keys apart that differ by case or end in odd ways", async () => {
        const folder = newFolder();
        const names = ["Con", "con", "con.json", "CON", "a:b", "a=b", "a@b", "a.", "a", "x..y", "_-"].sort();
        for (const name of names) await store.put(`${folder}${name}`, text(name));
        for (const name of names) expect(read(await other.get(`${folder}${name}`))).toBe(name);
        expect((await store.list({ prefix: folder })).keys).toEqual(names.map((name) => folder + name));
      });
    });

    describe("conditions", () => {
      it("If-None-Match writes a free key once and changes nothing after", async () => {
        const key = `${newFolder()}a`;
        expect(await store.put(key, text("1"), { ifNoneMatch: "*" })).toMatchObject({ stored: true });
        expect(await other.put(key, text("2"), { ifNoneMatch: "*" })).toEqual({ stored: false });
        expect(read(await store.get(key))).toBe("1");
      });

      it("If-Match writes on the current etag only, and never creates", async () => {
        const key = `${newFolder()}a`;
        const first = await store.put(key, text("1"));
        if (!first.stored) throw new Error("not stored");
        expect(await other.put(key, text("2"), { ifMatch: first.etag })).toMatchObject({ stored: true });
        expect(await store.put(key, text("3"), { ifMatch: first.etag })).toEqual({ stored: false });
        expect(await store.put(`${key}-absent`, text("4"), { ifMatch: first.etag })).toEqual({
          stored: false,
        });
        expect(read(await store.get(key))).toBe("2");
        expect(await store.get(`${key}-absent`)).toBeUndefined();
      });

      it("of many that claim one key at once exactly one wins, and its bytes stand", async () => {
        for (let round = 0; round < 3; round += 1) {
          const key = `${newFolder()}claim`;
          const results = await Promise.all(
            Array.from({ length: WRITERS }, async (_, writer) => {
              const client = writer % 2 === 0 ? store : other;
              const { stored } = await client.put(key, text(`writer ${writer}`), { ifNoneMatch: "*" });
              return stored ? `writer ${writer}` : undefined;
            }),
          );
          const winners = results.filter((winner) => winner !== undefined);
          expect(winners).toHaveLength(1);
          expect(read(await store.get(key))).toBe(winners[0]);
        }
      });

      it("a counter that many raise by compare-and-swap loses nothing", async () => {
        const key = `${newFolder()}counter`;
        await store.put(key, text("0"));
        const raise = async (client: ObjectStore) => {
          for (;;) {
            const current = await client.get(key);
            if (!current) throw new Error("the counter is gone");
            const next = text(String(Number(read(current)) + 1));
            if ((await client.put(key, next, { ifMatch: current.etag })).stored) return;
          }
        };
        await Promise.all(Array.from({ length: WRITERS }, (_, writer) => raise(writer % 2 ? store : other)));
        expect(read(await store.get(key))).toBe(String(WRITERS));
      });
    });

    describe("delete", () => {
      it("removes the object, and deleting what is absent is no error", async () => {
        const folder = newFolder();
        await store.put(`${folder}a`, text("1"));
        await store.delete(`${folder}a`);
        await other.delete(`${folder}a`);
        await store.delete(`${folder}none/at/all`);
        expect(await store.get(`${folder}a`)).toBeUndefined();
        expect(await store.list({ prefix: folder })).toEqual({ keys: [], prefixes: [] });
      });

      it("a deleted key can be written again, with the same bytes too", async () => {
        const key = `${newFolder()}a`;
        await store.put(key, text("1"), { ifNoneMatch: "*" });
        await other.delete(key);
        expect(await store.put(key, text("1"))).toMatchObject({ stored: true });
        expect(read(await other.get(key))).toBe("1");
      });

      it("of a delete and a compare-and-swap at once one is last, and nothing is half there", async () => {
        const key = `${newFolder()}a`;
        for (let round = 0; round < 5; round += 1) {
          const { etag } = (await store.put(key, text("1"))) as { etag: string };
          const [, swap] = await Promise.all([
            other.delete(key),
            store.put(key, text("2"), { ifMatch: etag }),
          ]);
          const left = read(await other.get(key));
          if (!swap.stored) expect(left).toBeUndefined();
          else expect([undefined, "2"]).toContain(left);
        }
      });
    });

    describe("list", () => {
      async function withKeys(names: readonly string[]): Promise<string> {
        const folder = newFolder();
        await Promise.all(names.map((name) => store.put(folder + name, text(name))));
        return folder;
      }

      it("gives the keys under a prefix in order of code units, and no others", async () => {
        const names = ["a-b", "a.b", "a/b", "a0", "a_b", "b/c/d"];
        const folder = await withKeys(names);
        await withKeys(names);
        const { keys } = await other.list({ prefix: folder });
        expect(keys).toEqual([...names].sort().map((name) => folder + name));
        const { keys: within } = await other.list({ prefix: `${folder}a` });
        expect(within).toHaveLength(5);
        expect(await other.list({ prefix: `${folder}zzz/` })).toEqual({ keys: [], prefixes: [] });
      });

      it("takes keys under one folder together when a delimiter is given", async () => {
        const folder = await withKeys(["a/1", "a/2", "a-b/1", "b/c/d", "e"]);
        expect(await store.list({ prefix: folder, delimiter: "/" })).toEqual({
          keys: [`${folder}e`],
          prefixes: [`${folder}a-b/`, `${folder}a/`, `${folder}b/`],
        });
      });

      it("shows no folder whose keys were all deleted", async () => {
        const folder = await withKeys(["a/1", "b/1"]);
        await store.delete(`${folder}a/1`);
        const { prefixes } = await store.list({ prefix: folder, delimiter: "/" });
        expect(prefixes).toEqual([`${folder}b/`]);
      });

      it.each([undefined, "/"] as const)("pages give each name once (delimiter %s)", async (delimiter) => {
        const folder = await withKeys(["a/1", "a/2", "a-b/1", "a0", "b/c/d", "e", "f/1"]);
        const options = { prefix: folder, ...(delimiter && { delimiter }) };
        const whole = await store.list(options);
        expect(whole.next).toBeUndefined();
        for (const limit of [1, 2, 3]) {
          const names: string[] = [];
          let after: string | undefined;
          do {
            const page = await other.list({ ...options, limit, ...(after !== undefined && { after }) });
            expect(page.keys.length + page.prefixes.length).toBeLessThanOrEqual(limit);
            names.push(...[...page.keys, ...page.prefixes].sort());
            after = page.next;
          } while (after !== undefined);
          expect(names).toEqual([...whole.keys, ...whole.prefixes].sort());
        }
      });

      it("tells sizes and times when asked, and a write that comes later has no earlier time", async () => {
        const folder = await withKeys(["a/1", "b", "cc"]);
        expect((await store.list({ prefix: folder })).objects).toBeUndefined();
        const list = () => other.list({ prefix: folder, delimiter: "/", withDetails: true, limit: 3 });
        const first = (await list()).objects ?? [];
        expect(first.map(({ key, bytes }) => [key, bytes])).toEqual([
          [`${folder}b`, 1],
          [`${folder}cc`, 2],
        ]);
        await store.put(`${folder}b`, text("long"));
        const [again] = (await list()).objects ?? [];
        expect(again?.bytes).toBe(4);
        expect(again?.modifiedMs).toBeGreaterThanOrEqual(first[0]?.modifiedMs ?? Number.NaN);
        expect((await other.list({ prefix: `${folder}zzz/`, withDetails: true })).objects).toEqual([]);
      });

      it("starts after a key that need not exist", async () => {
        const folder = await withKeys(["a", "c", "e"]);
        const { keys } = await store.list({ prefix: folder, after: `${folder}b` });
        expect(keys).toEqual([`${folder}c`, `${folder}e`]);
      });
    });

    describe("refusals", () => {
      it.each([
        "",
        "/a",
        "a/",
        "a//b",
        "a/../b",
        "..",
        "a/.",
        "a\\b",
        "a b",
        "a%2e",
        "ä",
        "a\0b",
        "x".repeat(513),
      ])("the key %j is refused by get, put and delete", async (key) => {
        const refused = /invariant/;
        await expect(async () => store.get(key)).rejects.toThrow(refused);
        await expect(async () => store.put(key, text("x"))).rejects.toThrow(refused);
        await expect(async () => store.delete(key)).rejects.toThrow(refused);
      });

      const fate = keepsNestedKeys ? "harms nothing" : "is refused";
      it(`a key that is another key's folder, or lies in another key, ${fate}`, async () => {
        const folder = newFolder();
        await store.put(`${folder}a/b`, text("b"));
        await store.put(`${folder}c`, text("c"));
        for (const name of ["a", "c/d"]) {
          const put = store.put(folder + name, text(name));
          if (keepsNestedKeys) await put;
          else await expect(put).rejects.toThrow();
          expect(read(await store.get(folder + name))).toBe(keepsNestedKeys ? name : undefined);
        }
        expect(read(await store.get(`${folder}a/b`))).toBe("b");
        expect(read(await store.get(`${folder}c`))).toBe("c");
      });

      it("an object over the limit is refused before it is sent", async () => {
        const bytes = new Uint8Array(OBJECT_BYTES_MAX + 1);
        const put = async () => store.put(`${newFolder()}a`, bytes);
        await expect(put).rejects.toMatchObject({ code: "limit_exceeded" });
      });
    });

    it("passes its own check, which leaves nothing behind", async () => {
      await store.check();
      expect(await store.list({ prefix: "probes/" })).toEqual({ keys: [], prefixes: [] });
    });
  });
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function read(stored: { bytes: Uint8Array } | undefined): string | undefined {
  return stored && new TextDecoder().decode(stored.bytes);
}
