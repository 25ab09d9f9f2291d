// Does a store hold to the conditions of a put? Some servers answer 200 and ignore them; on those two
// publishers would overwrite each other's versions, so check() refuses them.
import { randomUUID } from "node:crypto";
import { RegistryError } from "../errors.ts";
import type { ObjectStore } from "./object-store.ts";

/** Writes, tests and removes one object under "probes/". Throws store_unsuitable. */
export async function probeConditions(store: Omit<ObjectStore, "check">): Promise<void> {
  const key = `probes/${randomUUID()}`;
  const write = (text: string, condition: Parameters<ObjectStore["put"]>[2]) =>
    store.put(key, new TextEncoder().encode(text), condition);
  try {
    const first = await write("first", { ifNoneMatch: "*" });
    if (!first.stored) throw unsuitable(store, "refuses a write to a free key (If-None-Match)");
    const second = await write("second", { ifNoneMatch: "*" });
    if (second.stored) throw unsuitable(store, "overwrites despite If-None-Match");
    const third = await write("third", { ifMatch: first.etag });
    if (!third.stored) throw unsuitable(store, "refuses a write with the right If-Match");
    const fourth = await write("fourth", { ifMatch: first.etag });
    if (fourth.stored) throw unsuitable(store, "overwrites despite a stale If-Match");
  } catch (error) {
    // Should this fail too, the first fault is the one to tell.
    await store.delete(key).catch(() => undefined);
    throw error;
  }
  await store.delete(key);
}

function unsuitable(store: { description: string }, fault: string): RegistryError {
  return new RegistryError(
    "store_unsuitable",
    `The object store (${store.description}) ${fault}. Versions would not be safe there: use a store with conditional writes, such as AWS S3, Cloudflare R2, MinIO, versitygw or a folder (file:PATH).`,
  );
}
