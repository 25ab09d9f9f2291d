// Where the bytes of a dataset are: in memory, or in an open file, which may be larger than memory should hold. All formats
// are read through this, piece by piece or at a place, so that a file is never whole in memory.
import { fstat, read } from "node:fs";
import { promisify } from "node:util";

/** An open file, such as a FileHandle. It is read at places, so that it makes no difference who else reads it. */
export interface OpenFile {
  readonly fd: number;
}

export type DatasetContent = Uint8Array | OpenFile;

export interface ContentReader {
  readonly bytes: number;
  /** So many bytes from a place; fewer where the file ends. They may be a view of what was given: not to be written to. */
  read(from: number, bytesMax: number): Promise<Buffer>;
}

export async function openContent(content: DatasetContent): Promise<ContentReader> {
  if (content instanceof Uint8Array) {
    const whole = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
    return { bytes: whole.length, read: async (from, bytesMax) => whole.subarray(from, from + bytesMax) };
  }
  const { size } = await promisify(fstat)(content.fd);
  return { bytes: size, read: (from, bytesMax) => readAt(content, from, Math.min(bytesMax, size - from)) };
}

/** About as much as is read in one turn of the event loop. */
const PIECE_BYTES = 256 * 1024;

export async function* piecesOf({ bytes, read: readPiece }: ContentReader): AsyncGenerator<Buffer> {
  for (let from = 0; from < bytes; from += PIECE_BYTES) yield await readPiece(from, PIECE_BYTES);
}

async function readAt({ fd }: OpenFile, from: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(Math.max(0, length));
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await promisify(read)(fd, buffer, filled, buffer.length - filled, from + filled);
    // It was made shorter meanwhile.
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
