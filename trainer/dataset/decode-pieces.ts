// A file on disk → its bytes as UTF-8, piece by piece, whatever its length. Encodings are told as decode-text.ts does.
import { createReadStream } from "node:fs";
import { refuseBinary, utf16Of } from "./decode-text.ts";
import { refusal } from "./refuse.ts";

const PIECE_BYTES = 256 * 1024;

interface DecodeOptions {
  /** Shown in messages. */
  readonly file: string;
  /** Told how many more bytes of the file were read. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** In UTF-8, without byte order mark. Throws TrainerError invalid_dataset, and what reading the file does. */
export async function* decodePieces(path: string, { file, onBytes }: DecodeOptions): AsyncGenerator<Buffer> {
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  let offset = 0;
  const decode = (piece: Buffer | undefined) => {
    try {
      return Buffer.from(decoder?.decode(piece, { stream: piece !== undefined }) ?? "");
    } catch (cause) {
      const what = `bytes from ${offset} on are not ${decoder?.encoding.toUpperCase()}`;
      throw refusal({ file }, `${what}, perhaps Latin-1 or Windows-1252; save the file as UTF-8`, cause);
    }
  };
  for await (const piece of createReadStream(path, { highWaterMark: PIECE_BYTES })) {
    const encoding = offset === 0 ? (utf16Of(piece) ?? "utf-8") : undefined;
    if (encoding === "utf-8") refuseBinary(piece, file);
    if (encoding) decoder = new TextDecoder(encoding, { fatal: true });
    const decoded = decode(piece);
    offset += piece.length;
    onBytes?.(piece.length);
    if (decoded.length > 0) yield decoded;
  }
  const rest = decode(undefined);
  if (rest.length > 0) yield rest;
}
