// What comes part by part, from an object store, → an open file on this machine's disk, since trainings go over a dataset
// twice and Parquet is read from its end. The file has no name from before its first byte: however the process ends, its
// room is free again. Where it lies, TMPDIR says.
import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TrainerError } from "../errors.ts";

/**
 * Close it when it is done with. Throws TrainerError scratch_full, what the parts throw, and the signal's reason; nothing
 * is left then.
 */
export async function spoolContent(
  parts: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<FileHandle> {
  const file = await openScratch();
  try {
    for await (const part of parts) {
      signal?.throwIfAborted();
      await appendToScratch(file, part);
    }
    signal?.throwIfAborted();
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Empty, and without a name. Close it when it is done with. Throws TrainerError scratch_full. */
export function openScratch(): Promise<FileHandle> {
  return explaining(openNameless);
}

/** Throws TrainerError scratch_full. */
export function appendToScratch(file: FileHandle, bytes: Uint8Array): Promise<void> {
  return explaining(() => file.appendFile(bytes));
}

async function openNameless(): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), "softgate-dataset-"));
  try {
    return await open(join(folder, "content"), "wx+", 0o600);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const CODES_OF_NO_ROOM = new Set(["ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EACCES", "EPERM", "ENOENT"]);

async function explaining<Result>(write: () => Promise<Result>): Promise<Result> {
  try {
    return await write();
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    if (!CODES_OF_NO_ROOM.has(code)) throw cause;
    const message = `There is no room for the dataset's file in ${tmpdir()}: free some, or set TMPDIR to a folder that has it.`;
    throw new TrainerError("scratch_full", message, { cause });
  }
}
