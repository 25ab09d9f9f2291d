// backbone.json: what a pulled folder must hold. Written last, so a folder without it is not complete.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { BACKBONE_FILES, type BackboneFile, type FilePin, type FilePins } from "./catalog.ts";

export const pinSchema = z.strictObject({
  bytes: z.int().min(1),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

const recordSchema = z.strictObject({
  format: z.literal(1),
  id: z.string().min(1).max(200),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  /** Where the bytes came from, for people. */
  source: z.string(),
  files: z.strictObject({
    "config.json": pinSchema,
    "tokenizer.json": pinSchema,
    "model.safetensors": pinSchema,
  }),
});

export type BackboneRecord = z.infer<typeof recordSchema>;

export interface BackboneEntry {
  readonly id: string;
  readonly folder: string;
  readonly digest: string;
  readonly bytes: number;
}

const RECORD_FILE = "backbone.json";

/** "absent" when there is no such file, "invalid" when it cannot be understood. */
export async function readRecord(folder: string): Promise<BackboneRecord | "absent" | "invalid"> {
  let text: string;
  try {
    text = await readFile(join(folder, RECORD_FILE), "utf8");
  } catch (error) {
    if (isMissing(error)) return "absent";
    throw error;
  }
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch {
    return "invalid";
  }
}

export async function writeRecord(folder: string, record: BackboneRecord): Promise<void> {
  await writeFile(join(folder, RECORD_FILE), `${JSON.stringify(record, null, 2)}\n`);
}

export function entryOf(folder: string, record: BackboneRecord): BackboneEntry {
  const bytes = BACKBONE_FILES.reduce((sum, file) => sum + record.files[file].bytes, 0);
  return { id: record.id, folder, digest: record.digest, bytes };
}

/** Size and sha256 of each of a folder's three files. Throws ENOENT for one that is not there. */
export async function measureFiles(folder: string): Promise<FilePins> {
  const measure = (file: BackboneFile) => measureFile(join(folder, file));
  return {
    "config.json": await measure("config.json"),
    "tokenizer.json": await measure("tokenizer.json"),
    "model.safetensors": await measure("model.safetensors"),
  };
}

export async function measureFile(path: string): Promise<FilePin> {
  const { size } = await stat(path);
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk);
  return { bytes: size, sha256: hash.digest("hex") };
}

/** Removes a file that is not the pinned one. Throws an Error that names it and both digests. */
export async function requirePinned(
  path: string,
  { name, pin }: { name: string; pin: FilePin },
): Promise<void> {
  const found = await measureFile(path);
  if (isSame(found, pin)) return;
  await rm(path, { force: true });
  throw new Error(`${name} has sha256 ${found.sha256}, expected ${pin.sha256}`);
}

/** The first file whose size or sha256 is not as pinned. */
export function findDifference(found: FilePins, pinned: FilePins): BackboneFile | undefined {
  return BACKBONE_FILES.find((file) => !isSame(found[file], pinned[file]));
}

export function isSame(found: FilePin, pinned: FilePin): boolean {
  return found.bytes === pinned.bytes && found.sha256 === pinned.sha256;
}

/** Whether there is a file of this size and sha256. */
export async function isPresent(path: string, pin: FilePin): Promise<boolean> {
  try {
    return isSame(await measureFile(path), pin);
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}
