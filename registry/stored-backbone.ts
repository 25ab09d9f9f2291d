// A backbone in the object store, for hosts that have no disk to keep one on: files by content, and a record that names
// them. What the files are this room does not know.
import { z } from "zod";
import { digestOf } from "./digest.ts";
import { RegistryError } from "./errors.ts";
import { backboneFileKey, backboneFilesPrefix, backboneRecordKey } from "./layout.ts";
import type { ObjectStore } from "./object-store/object-store.ts";
import { encodeRecord, readRecord } from "./records.ts";

/** No backbone has more files than this. */
const FILES_MAX = 16;

const fileSchema = z.strictObject({ name: z.string(), digest: z.string(), bytes: z.int().min(0) });

export const storedBackboneSchema = z.strictObject({
  format: z.literal(1),
  id: z.string(),
  /** Of the backbone: what adapters are bound to. */
  digest: z.string(),
  /** What the one who reads it wants to know. */
  facts: z.record(z.string(), z.string()),
  files: z.array(fileSchema).max(FILES_MAX),
});

export interface StoredBackbone {
  readonly id: string;
  readonly digest: string;
  readonly facts: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, Uint8Array>>;
}

/**
 * Files that are there are not sent again; those of the one before are removed at the end. The record is written in
 * between, so that at every moment a whole backbone is there. Throws store_unreachable, store_refused.
 */
export async function putBackbone(
  store: ObjectStore,
  { id, digest, facts, files }: StoredBackbone,
): Promise<{ readonly bytes: number; readonly bytesSent: number }> {
  const entries = Object.entries(files).map(([name, content]) => ({
    content,
    pin: { name, digest: digestOf(content), bytes: content.byteLength },
  }));
  const present = new Set((await store.list({ prefix: backboneFilesPrefix(id) })).keys);
  const missing = entries.filter(({ pin }) => !present.has(backboneFileKey(id, pin.digest)));
  for (const { pin, content } of missing) await store.put(backboneFileKey(id, pin.digest), content);
  const record = { format: 1, id, digest, facts, files: entries.map(({ pin }) => pin) };
  await store.put(backboneRecordKey(id), encodeRecord(storedBackboneSchema.parse(record)));
  const named = new Set(entries.map(({ pin }) => backboneFileKey(id, pin.digest)));
  for (const key of present) if (!named.has(key)) await store.delete(key);
  return { bytes: sizeOf(entries), bytesSent: sizeOf(missing) };
}

/** All files, each compared with its digest. Throws backbone_not_found, backbone_corrupt, store_unreachable. */
export async function readStoredBackbone(store: ObjectStore, id: string): Promise<StoredBackbone> {
  const remedy = `Put it there: softgate backbone put ${id} --store URL`;
  const record = await readRecord(store, backboneRecordKey(id), storedBackboneSchema);
  if (!record) {
    throw new RegistryError("backbone_not_found", `The store has no backbone ${id}. ${remedy}`);
  }
  const { digest, facts, files } = record.value;
  const contents = files.map(async (file) => {
    const stored = await store.get(backboneFileKey(id, file.digest));
    if (stored && digestOf(stored.bytes) === file.digest) return [file.name, stored.bytes] as const;
    const problem = stored ? "is not what was put there" : "is missing";
    throw new RegistryError(
      "backbone_corrupt",
      `Of backbone ${id} in the store, ${file.name} ${problem}. ${remedy}`,
    );
  });
  return { id, digest, facts, files: Object.fromEntries(await Promise.all(contents)) };
}

function sizeOf(entries: readonly { readonly pin: { readonly bytes: number } }[]): number {
  return entries.reduce((sum, { pin }) => sum + pin.bytes, 0);
}
