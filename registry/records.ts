// Small JSON records in the store, and the conditional writes that everything else rests on.
import type { z } from "zod";
import { RegistryError } from "./errors.ts";
import { PER_PAGE_DEFAULT } from "./limits.ts";
import type { ObjectStore, PutCondition } from "./object-store/object-store.ts";

export function encodeRecord(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** Throws blob_corrupt when what is stored is not what this room writes. */
export async function readRecord<Schema extends z.ZodType>(
  store: ObjectStore,
  key: string,
  schema: Schema,
): Promise<{ value: z.output<Schema>; etag: string } | undefined> {
  const stored = await store.get(key);
  if (!stored) return undefined;
  try {
    const value = schema.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(stored.bytes)));
    return { value, etag: stored.etag };
  } catch (cause) {
    throw new RegistryError("blob_corrupt", `The stored record ${key} is damaged: restore it.`, cause);
  }
}

/**
 * Whether these very bytes stand under the key. They must hold a writer's nonce, or be such that
 * another writer's equal bytes are as good: when the reply to a winning write is lost, its retry looks
 * like a lost race, and only reading back tells the two apart.
 */
export async function putIf(
  store: ObjectStore,
  key: string,
  { bytes, condition }: { bytes: Uint8Array; condition: PutCondition },
): Promise<boolean> {
  try {
    const { stored } = await store.put(key, bytes, condition);
    return stored || (await holds(store, key, bytes));
  } catch (error) {
    // A store that fails twice has told us enough: the first error says why.
    if (await holds(store, key, bytes).catch(() => false)) return true;
    throw error;
  }
}

async function holds(store: ObjectStore, key: string, bytes: Uint8Array): Promise<boolean> {
  const stored = await store.get(key);
  return stored !== undefined && Buffer.compare(stored.bytes, bytes) === 0;
}

/** How many of a page are given when so many are asked for. */
export function clampLimit(limit: number = PER_PAGE_DEFAULT, max: number): number {
  return Math.min(Math.max(Math.trunc(limit), 1), max);
}
