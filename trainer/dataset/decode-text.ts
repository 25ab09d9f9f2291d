// Bytes → UTF-8. UTF-16, as spreadsheets save it, is converted; what is plainly no text is refused, with what
// it looks like and what to do instead.
import { isUtf8 } from "node:buffer";
import { grouped, refusal } from "./refuse.ts";

/** No more than so much is ever a string beside the bytes. */
const PIECE_BYTES = 64 * 1024;

export interface DecodedText {
  /** Valid UTF-8 without byte order mark or NUL; a view of the bytes given where they were that. */
  readonly utf8: Buffer;
  readonly hadByteOrderMark: boolean;
}

const UTF8_MARK = "efbbbf";
type Utf16 = "utf-16le" | "utf-16be";
const utf16Marks = [
  { mark: "fffe", encoding: "utf-16le" },
  { mark: "feff", encoding: "utf-16be" },
] as const;

const AS_CSV = "export the data as CSV";
const kindByMagic = [
  ["504b0304", "a zip archive or an Excel workbook (.xlsx)", AS_CSV],
  ["504b0506", "an empty zip archive", AS_CSV],
  ["d0cf11e0", "an old Excel workbook (.xls)", AS_CSV],
  ["1f8b", "a gzip file", "unpack it first"],
  ["50415231", "a Parquet file", "end the file name in .parquet"],
  ["25504446", "a PDF document", AS_CSV],
] as const;

/** Throws TrainerError invalid_dataset. `rowOf` finds the row of a byte in files of this format. */
export function decodeText(
  bytes: Uint8Array,
  file: string,
  rowOf: (utf8: Buffer, offset: number) => number,
): DecodedText {
  const buffer = fromUtf16(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), file);
  refuseBinary(buffer, file);
  if (!isUtf8(buffer)) {
    const offset = firstInvalidByte(buffer);
    const at = { file, row: rowOf(buffer, offset) };
    const where = `byte ${grouped(offset)} (0x${buffer.toString("hex", offset, offset + 1)})`;
    throw refusal(at, `${where} is not UTF-8, perhaps Latin-1 or Windows-1252; save the file as UTF-8`);
  }
  const hadByteOrderMark = startsWith(buffer, UTF8_MARK);
  return { utf8: hadByteOrderMark ? buffer.subarray(3) : buffer, hadByteOrderMark };
}

/** Throws TrainerError invalid_dataset. */
export function refuseBinary(buffer: Buffer, file: string): void {
  const [, kind, remedy] = kindByMagic.find(([magic]) => startsWith(buffer, magic)) ?? [];
  if (kind) throw refusal({ file }, `this looks like ${kind}; ${remedy}`);
  const zero = buffer.indexOf(0);
  if (zero === -1) return;
  throw refusal({ file }, `byte ${grouped(zero)} is NUL, so this looks like a binary file; ${AS_CSV}`);
}

/** The same text in UTF-8, its mark kept; other bytes as they are. */
function fromUtf16(buffer: Buffer, file: string): Buffer {
  const encoding = utf16Of(buffer);
  if (encoding === undefined) return buffer;
  try {
    return toUtf8(buffer, encoding);
  } catch (cause) {
    throw refusal(
      { file },
      "this looks like UTF-16 but is cut short or damaged; save it again as UTF-8",
      cause,
    );
  }
}

/** In pieces. Two bytes of UTF-16 are at most three of UTF-8. Throws where the decoder does. */
function toUtf8(buffer: Buffer, encoding: Utf16): Buffer {
  const decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
  const utf8 = Buffer.allocUnsafe(Math.ceil(buffer.length / 2) * 3);
  let length = 0;
  for (let from = 0; from < buffer.length; from += PIECE_BYTES) {
    const piece = buffer.subarray(from, from + PIECE_BYTES);
    length += utf8.write(decoder.decode(piece, { stream: true }), length);
  }
  length += utf8.write(decoder.decode(), length);
  return utf8.subarray(0, length);
}

/** By the start of a file; undefined where it is not UTF-16. */
export function utf16Of(buffer: Buffer): Utf16 | undefined {
  const marked = utf16Marks.find(({ mark }) => startsWith(buffer, mark));
  const zero = buffer.indexOf(0);
  return marked?.encoding ?? (looksLikeUtf16(buffer, zero) ? utf16ByZero(zero) : undefined);
}

function utf16ByZero(zero: number): Utf16 {
  return zero === 0 ? "utf-16be" : "utf-16le";
}

/** Without a mark: Latin letters as UTF-16 have a zero as every other byte. */
function looksLikeUtf16(buffer: Buffer, zero: number): boolean {
  if (zero !== 0 && zero !== 1) return false;
  return buffer.length >= 4 && buffer[zero + 2] === 0 && buffer[1 - zero] !== 0 && buffer[3 - zero] !== 0;
}

function startsWith(buffer: Buffer, hex: string): boolean {
  return buffer.toString("hex", 0, hex.length / 2) === hex;
}

/** Of a buffer that is not UTF-8: its offset. Whole pieces that are UTF-8 are passed over. */
function firstInvalidByte(buffer: Buffer): number {
  let from = 0;
  while (from < buffer.length) {
    const end = startOfCharacter(buffer, from + PIECE_BYTES);
    const piece = buffer.subarray(from, end);
    if (!isUtf8(piece)) return from + firstReplaced(piece);
    from = end;
  }
  return from;
}

/** The last start of a character at or before an offset; bytes 10xxxxxx go on with one, at most three. */
function startOfCharacter(buffer: Buffer, offset: number): number {
  if (offset >= buffer.length) return buffer.length;
  for (let start = offset; start > offset - 4; start--) {
    if (((buffer[start] ?? 0) & 0xc0) !== 0x80) return start;
  }
  return offset;
}

/** The first replacement character that decoding put in, as a byte offset. */
function firstReplaced(piece: Buffer): number {
  const decoded = piece.toString("utf8");
  let offset = 0;
  let decodedUpTo = 0;
  while (true) {
    const index = decoded.indexOf("\ufffd", decodedUpTo);
    if (index === -1) return offset;
    offset += Buffer.byteLength(decoded.slice(decodedUpTo, index));
    if (piece.toString("hex", offset, offset + 3) !== "efbfbd") return offset;
    offset += 3;
    decodedUpTo = index + 1;
  }
}
