// Bytes → UTF-8. UTF-16, as spreadsheets save it, is converted; what is plainly no text is refused, with what
// it looks like and what to do instead.
import { isUtf8 } from "node:buffer";
import { grouped, refusal } from "./refuse.ts";

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

const kindByMagic = [
  ["504b0304", "a zip archive or an Excel workbook (.xlsx)"],
  ["504b0506", "an empty zip archive"],
  ["d0cf11e0", "an old Excel workbook (.xls)"],
  ["1f8b", "a gzip file"],
  ["50415231", "a Parquet file"],
  ["25504446", "a PDF document"],
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

function refuseBinary(buffer: Buffer, file: string): void {
  const kind = kindByMagic.find(([magic]) => startsWith(buffer, magic))?.[1];
  if (kind) throw refusal({ file }, `this looks like ${kind}; export the data as CSV`);
  const zero = buffer.indexOf(0);
  if (zero === -1) return;
  throw refusal(
    { file },
    `byte ${grouped(zero)} is NUL, so this looks like a binary file; export the data as CSV`,
  );
}

/** The same text in UTF-8, its mark kept; other bytes as they are. */
function fromUtf16(buffer: Buffer, file: string): Buffer {
  const marked = utf16Marks.find(({ mark }) => startsWith(buffer, mark));
  const zero = buffer.indexOf(0);
  const encoding = marked?.encoding ?? (looksLikeUtf16(buffer, zero) ? utf16ByZero(zero) : undefined);
  if (encoding === undefined) return buffer;
  try {
    return Buffer.from(new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(buffer));
  } catch (cause) {
    throw refusal(
      { file },
      "this looks like UTF-16 but is cut short or damaged; save it again as UTF-8",
      cause,
    );
  }
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

/** Of a buffer that is not UTF-8: the first replacement character that decoding put in, as a byte offset. */
function firstInvalidByte(buffer: Buffer): number {
  const decoded = buffer.toString("utf8");
  let offset = 0;
  let decodedUpTo = 0;
  while (true) {
    const index = decoded.indexOf("\ufffd", decodedUpTo);
    if (index === -1) return offset;
    offset += Buffer.byteLength(decoded.slice(decodedUpTo, index));
    if (buffer.toString("hex", offset, offset + 3) !== "efbfbd") return offset;
    offset += 3;
    decodedUpTo = index + 1;
  }
}
