// Exported files, written whole or not at all: under a name of their own first.
import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { CliError } from "../errors.ts";

/** One after the other; a file that is there is replaced once all are written. Throws CliError file_unreadable. */
export async function writePieces(path: string, pieces: readonly Uint8Array[]): Promise<void> {
  const partial = partialNameOf(path);
  try {
    const file = await open(partial, "wx");
    try {
      for (const piece of joinSmall(pieces)) await file.writeFile(piece);
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (cause) {
    await rm(partial, { force: true });
    throw unwritable(path, cause);
  }
}

const JOINED_BYTES_MAX = 64 * 1024;

/** A graph comes in thousands of pieces of a few bytes: written one by one they take longer than the weights. */
function* joinSmall(pieces: readonly Uint8Array[]): Generator<Uint8Array> {
  let small: Uint8Array[] = [];
  let bytes = 0;
  for (const piece of pieces) {
    if (bytes + piece.length > JOINED_BYTES_MAX) {
      yield Buffer.concat(small);
      [small, bytes] = [[], 0];
    }
    if (piece.length > JOINED_BYTES_MAX) {
      yield piece;
      continue;
    }
    small.push(piece);
    bytes += piece.length;
  }
  yield Buffer.concat(small);
}

/** Throws CliError bad_usage where something is in the way: before anything takes time. */
export async function requireNewFolder(path: string): Promise<void> {
  const names = await readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw new CliError("bad_usage", `--output ${path} must be a new folder; there is something else.`, error);
  });
  if (names.length > 0) {
    throw new CliError("bad_usage", `--output ${path} must be a new folder; this one is not empty.`);
  }
}

/** Returns the bytes of all. Throws CliError file_unreadable. */
export async function writeFolder(
  path: string,
  files: Readonly<Record<string, Uint8Array>>,
): Promise<number> {
  const partial = partialNameOf(path);
  try {
    await mkdir(dirname(resolve(path)), { recursive: true });
    await mkdir(partial);
    for (const [name, content] of Object.entries(files)) await writeFile(join(partial, name), content);
    await rename(partial, path);
  } catch (cause) {
    await rm(partial, { recursive: true, force: true });
    throw unwritable(path, cause);
  }
  return Object.values(files).reduce((sum, { byteLength }) => sum + byteLength, 0);
}

function partialNameOf(path: string): string {
  return `${resolve(path)}.${randomUUID()}.partial`;
}

function unwritable(path: string, cause: unknown): CliError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new CliError("file_unreadable", `${path} cannot be written (${reason}).`, cause);
}
