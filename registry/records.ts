// Small JSON records in the store, and the conditional writes that everything else rests on.
import type { z } from "zod";
import { RegistryError } from "./errors.ts";
import { PER_PAGE_DEFAULT } from "./limits.ts";
import type { ObjectStore, PutCondition, StoredObject } from "./object-store/object-store.ts";

export function encodeRecord(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

export interface StoredRecord<Value> extends StoredObject {
  readonly value: Value;
}

/** Throws blob_corrupt when what is stored is not what this room writes. */
export async function readRecord<Schema extends z.ZodType>(
  store: ObjectStore,
  key: string,
  schema: Schema,
): Promise<StoredRecord<z.output<Schema>> | undefined> {
  return parseRecord(key, schema, await store.get(key));
}

/** As readRecord, of what was read before: the same bytes are the same record, and are not parsed again. */
export async function readRecordAgain<Schema extends z.ZodType>(
  store: ObjectStore,
  { key, schema, known }: { key: string; schema: Schema; known: StoredRecord<z.output<Schema>> | undefined },
): Promise<StoredRecord<z.output<Schema>> | undefined> {
  const stored = await store.get(key);
  return known && isEqual(stored, known.bytes) ? known : parseRecord(key, schema, stored);
}

function parseRecord<Schema extends z.ZodType>(
  key: string,
  schema: Schema,
  stored: StoredObject | undefined,
): StoredRecord<z.output<Schema>> | undefined {
  if (!stored) return undefined;
  try {
    const value = schema.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(stored.bytes)));
    return { value, ...stored };
  } catch (cause) {
    throw new RegistryError("blob_corrupt", `The stored record ${key} is damaged: restore it.`, cause);
  }
}

/**
 * Whether these very bytes stand under the key. They must hold a writer's nonce, or be such that
 * another writer's equal bytes are as good: when the reply to a winning write is lost, its retry looks
 * like a lost race, and only reading back tells the two apart.
 *
 * False only where it is known that others' bytes stand, or, with ifMatch, that the object is another. Throws
 * store_unreachable when a free key is not written and still free: a server refuses, as a conflict, also what
 * never stands later.
 */
export async function putIf(
  store: ObjectStore,
  key: string,
  { bytes, condition }: { bytes: Uint8Array; condition: PutCondition },
): Promise<boolean> {
  try {
    const { stored } = await store.put(key, bytes, condition);
    if (stored) return true;
    const standing = await store.get(key);
    if (standing || "ifMatch" in condition) return isEqual(standing, bytes);
    throw new RegistryError(
      "store_unreachable",
      `The store refused to write ${key} and has nothing there: try again.`,
    );
  } catch (error) {
    // A store that fails twice has told us enough: the first error says why.
    const standing = await store.get(key).catch(() => undefined);
    if (isEqual(standing, bytes)) return true;
    throw error;
  }
}

function isEqual(stored: StoredObject | undefined, bytes: Uint8Array): boolean {
  return stored !== undefined && Buffer.compare(stored.bytes, bytes) === 0;
}

/** How many of a page are given when so many are asked for. */
export function clampLimit(limit: number = PER_PAGE_DEFAULT, max: number): number {
  return Math.min(Math.max(Math.trunc(limit), 1), max);
}
