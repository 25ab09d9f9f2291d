// What was made of a pulled backbone for one kind of server, kept beside it: a folder of files and a record of their
// digests, renamed into place when it is whole. Only saves work: what is missing or damaged is made again.
import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { isMissing, isSame, measureFile, pinSchema, readRecord } from "./record.ts";

const RECORD_FILE = "prepared.json";

const preparedSchema = z.strictObject({
  format: z.literal(1),
  /** Of the backbone. */
  digest: z.string(),
  madeBy: z.record(z.string(), z.string()),
  /** What the one who prepared wants to know again. */
  facts: z.record(z.string(), z.string()),
  files: z.record(z.string(), pinSchema),
});

export interface Prepared {
  readonly folder: string;
  readonly digest: string;
  readonly facts: Readonly<Record<string, string>>;
  /** Reads every byte: false, and the folder is gone, where a file is not what was written. */
  verify(): Promise<boolean>;
}

interface PreparedPlace {
  /** A pulled backbone's. */
  readonly folder: string;
  /** A folder's name in it. */
  readonly key: string;
  /** Programs and their versions: what others made is of no use, and is replaced. */
  readonly madeBy: Readonly<Record<string, string>>;
}

/** Undefined where there is none made by these, of the backbone that lies there, with files as large as they were. */
export async function openPrepared({
  folder: backboneFolder,
  key,
  madeBy,
}: PreparedPlace): Promise<Prepared | undefined> {
  const folder = join(backboneFolder, key);
  const [backbone, record] = await Promise.all([readRecord(backboneFolder), readPreparedRecord(folder)]);
  if (typeof backbone === "string" || record?.digest !== backbone.digest) return undefined;
  if (!isDeepStrictEqual(record.madeBy, madeBy)) return undefined;
  const { digest, facts, files } = record;
  for (const [name, pin] of Object.entries(files)) {
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found?.size !== pin.bytes) return undefined;
  }
  const verify = async () => {
    for (const [name, pin] of Object.entries(files)) {
      if (isSame(await measureFile(join(folder, name)), pin)) continue;
      await rm(folder, { recursive: true, force: true });
      return false;
    }
    return true;
  };
  return { folder, digest, facts, verify };
}

/**
 * Has `write` fill a folder, and keeps it. Undefined where that cannot be: the backbone was not pulled, or the
 * disk is full or not to be written to.
 */
export async function keepPrepared(
  place: PreparedPlace,
  write: (folder: string) => Promise<{ names: readonly string[]; facts: Prepared["facts"] }>,
): Promise<Prepared | undefined> {
  const backbone = await readRecord(place.folder);
  if (typeof backbone === "string") return undefined;
  const folder = join(place.folder, place.key);
  const staging = `${folder}.${randomUUID()}.partial`;
  try {
    await mkdir(staging);
    const { names, facts } = await write(staging);
    const pins = names.map(async (name) => [name, await measureFile(join(staging, name))] as const);
    const files = Object.fromEntries(await Promise.all(pins));
    const { madeBy } = place;
    const record = { format: 1, digest: backbone.digest, madeBy, facts, files };
    await writeFile(join(staging, RECORD_FILE), `${JSON.stringify(record, null, 2)}\n`);
    await rm(folder, { recursive: true, force: true });
    await rename(staging, folder);
    return await openPrepared(place);
  } catch (error) {
    if (isDiskTrouble(error)) return undefined;
    throw error;
  } finally {
    await rm(staging, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function readPreparedRecord(folder: string): Promise<z.infer<typeof preparedSchema> | undefined> {
  try {
    return preparedSchema.safeParse(JSON.parse(await readFile(join(folder, RECORD_FILE), "utf8"))).data;
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const DISK_TROUBLE = ["EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "ENOTEMPTY", "EEXIST", "EBUSY"];

function isDiskTrouble(error: unknown): boolean {
  return error instanceof Error && "code" in error && DISK_TROUBLE.includes(String(error.code));
}
