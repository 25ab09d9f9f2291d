import { expect, it } from "vitest";
import { MemoryStore } from "./memory.ts";
import { probeConditions } from "./probe-conditions.ts";

/** A store whose deletions are refused. */
class Undeletable extends MemoryStore {
  override async delete(): Promise<void> {
    throw new Error("no deletions here");
  }
}

it("what a store is unsuitable for is told, even where the probe cannot be removed", async () => {
  const store = new Undeletable();
  const ignoring = Object.assign(store, {
    put: (key: string, bytes: Uint8Array) => MemoryStore.prototype.put.call(store, key, bytes),
  });
  await expect(probeConditions(ignoring)).rejects.toMatchObject({
    code: "store_unsuitable",
    message: expect.stringContaining("overwrites despite If-None-Match"),
  });
});

it("a suitable store that refuses deletions says so", async () => {
  await expect(probeConditions(new Undeletable())).rejects.toThrow("no deletions here");
});
