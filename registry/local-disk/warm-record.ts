// Which adapters a server had in memory when it stopped, for the next one on the same store: a small file
//
//   <folder>/warm/<sha256 of store and backbone>.json
//
// It holds names, no weights and no texts, and is for this user alone. What it names is resolved again: an
// adapter that was deleted, or changed, is passed over. Servers of one store on one machine share it; the
// last one to write it is remembered.
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { VERSION_MAX, WARM_ADAPTERS_MAX, WARM_RECORD_BYTES_MAX } from "../limits.ts";
import { digestSchema } from "../manifest.ts";
import { parseAdapterName, parseTenantId } from "../registry.ts";

const warmSchema = z.object({
  tenant: z.string().transform(parseTenantId),
  name: z.string().transform(parseAdapterName),
  version: z.int().min(1).max(VERSION_MAX),
  /** Of the version, so of its manifest. */
  digest: digestSchema,
});
const recordSchema = z.object({ adapters: z.array(warmSchema).max(WARM_ADAPTERS_MAX) });

export type WarmAdapter = z.output<typeof warmSchema>;

export interface WarmRecordPlace {
  readonly folder: string;
  /** Names the store. */
  readonly store: string;
  readonly backboneDigest: string;
}

/** The most recently used first. Empty where there is none, or none that can be understood. Never rejects. */
export async function readWarmRecord(place: WarmRecordPlace): Promise<readonly WarmAdapter[]> {
  try {
    const bytes = await readFile(pathOf(place));
    if (bytes.byteLength > WARM_RECORD_BYTES_MAX) return [];
    return recordSchema.parse(JSON.parse(bytes.toString("utf8"))).adapters;
  } catch {
    return [];
  }
}

/** At most WARM_ADAPTERS_MAX of them are kept. Rejects as the file system does. */
export async function writeWarmRecord(
  place: WarmRecordPlace,
  adapters: readonly WarmAdapter[],
): Promise<void> {
  const path = pathOf(place);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const aside = `${path}.${randomUUID()}`;
  try {
    const record = { adapters: adapters.slice(0, WARM_ADAPTERS_MAX) };
    await writeFile(aside, JSON.stringify(record), { flag: "wx", mode: 0o600 });
    await rename(aside, path);
  } finally {
    await rm(aside, { force: true });
  }
}

function pathOf({ folder, store, backboneDigest }: WarmRecordPlace): string {
  const name = createHash("sha256").update(`${store}\n${backboneDigest}`).digest("hex");
  return join(folder, "warm", `${name}.json`);
}
