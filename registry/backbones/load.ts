// A backbone's folder → a backbone in memory, its files compared with what was recorded when it was pulled.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Backbone, parseBackbone } from "#model";
import { RegistryError } from "../errors.ts";
import type { BackboneFile } from "./catalog.ts";
import { type BackboneRecord, isMissing, readRecord } from "./record.ts";

/**
 * Reads and verifies the folder. A folder that was not pulled has no record and is taken as it is.
 * Throws RegistryError backbone_not_found, backbone_corrupt; ModelError for files that do not fit.
 */
export async function loadBackbone(entry: { id: string; folder: string }): Promise<Backbone> {
  const record = await readRecord(entry.folder);
  if (record === "invalid") throw corrupt(entry, "backbone.json cannot be understood");
  const expected = record === "absent" ? undefined : record;
  const read = (file: BackboneFile) => readVerified(entry, file, expected);
  const [config, weights, tokenizer] = await Promise.all([
    read("config.json"),
    read("model.safetensors"),
    read("tokenizer.json"),
  ]);
  return parseBackbone(entry.id, { config, weights, tokenizer });
}

/** One file of a folder, compared with what was recorded when it was pulled. Throws as loadBackbone. */
export async function readBackboneFile(
  entry: { id: string; folder: string },
  file: BackboneFile,
): Promise<Uint8Array> {
  const record = await readRecord(entry.folder);
  if (record === "invalid") throw corrupt(entry, "backbone.json cannot be understood");
  return readVerified(entry, file, record === "absent" ? undefined : record);
}

async function readVerified(
  entry: { id: string; folder: string },
  file: BackboneFile,
  record: BackboneRecord | undefined,
): Promise<Uint8Array> {
  let content: Uint8Array;
  try {
    content = await readFile(join(entry.folder, file));
  } catch (error) {
    if (!isMissing(error)) throw error;
    if (record) throw corrupt(entry, `${file} is missing`, error);
    const message = `Backbone ${entry.id} has no ${file} in ${entry.folder}. Pull it: softgate backbone pull ${entry.id}`;
    throw new RegistryError("backbone_not_found", message, error);
  }
  if (record && createHash("sha256").update(content).digest("hex") !== record.files[file].sha256) {
    throw corrupt(entry, `${file} is not the file that was pulled`);
  }
  return content;
}

function corrupt(entry: { id: string; folder: string }, problem: string, cause?: unknown): RegistryError {
  const remedy = `Pull it again: softgate backbone pull ${entry.id}`;
  return new RegistryError(
    "backbone_corrupt",
    `Backbone ${entry.id}: ${problem} (${entry.folder}). ${remedy}`,
    cause,
  );
}
