import fc from "fast-check";
import { expect, it } from "vitest";
import { MemoryStore } from "../object-store/memory.ts";
import type { ListOptions, ObjectStore } from "../object-store/object-store.ts";
import { missingKeys } from "./missing-keys.ts";

/** With so short pages that a listing has many. */
function paged(store: ObjectStore, limit: number): ObjectStore {
  const list = (options: ListOptions) => store.list({ ...options, limit });
  return Object.assign(Object.create(store), { list });
}

it("is what one listing has and the other has not, however their pages end", async () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[a-d]{1,3}$/), { maxLength: 20 });
  const limit = fc.integer({ min: 1, max: 5 });
  await fc.assert(
    fc.asyncProperty(names, names, fc.tuple(limit, limit), async (ours, theirs, limits) => {
      const [source, target] = [new MemoryStore(), new MemoryStore()];
      for (const name of ours) await source.put(`audit/${name}`, new Uint8Array());
      for (const name of theirs) await target.put(`audit/${name}`, new Uint8Array());
      await target.put("other", new Uint8Array());
      const stores = { source: paged(source, limits[0]), target: paged(target, limits[1]) };
      const found: string[] = [];
      for await (const keys of missingKeys(stores, "audit/")) found.push(...keys);
      const expected = ours.filter((name) => !theirs.includes(name)).map((name) => `audit/${name}`);
      expect(found).toEqual(expected.sort());
    }),
  );
});
