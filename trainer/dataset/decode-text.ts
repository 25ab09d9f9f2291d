// Bytes → UTF-8, piece by piece. UTF-16, as spreadsheets save it, is converted; what is plainly no text is refused, with
// what it looks like and what to do instead. A file is gone over in full before its first piece is given: so rows are
// parsed of text alone, and what is wrong with an encoding is said before anything else.
import { isUtf8 } from "node:buffer";
import { turnTaker } from "../take-turns.ts";
import { type ContentReader, piecesOf } from "./content.ts";
import { grouped, refusal } from "./refuse.ts";

export interface OpenedText {
  /** Valid UTF-8 without byte order mark or NUL; from its start at each call. */
  pieces(): AsyncGenerator<Buffer>;
  /** The first piece; empty where there is none. */
  readonly head: Buffer;
  readonly hadByteOrderMark: boolean;
  readonly hasCarriageReturn: boolean;
}

/** The row that the next byte is in, as files of a format count rows. */
export interface RowCounter {
  add(bytes: Buffer): void;
  readonly row: number;
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

/** Throws TrainerError invalid_dataset. */
export async function openText(
  content: ContentReader,
  file: string,
  createCounter: () => RowCounter,
): Promise<OpenedText> {
  const first = await piecesOf(content).next();
  const encoding = first.done ? undefined : utf16Of(first.value);
  const decoded = () => (encoding ? fromUtf16(piecesOf(content), encoding, file) : piecesOf(content));
  const { head, hasCarriageReturn, invalidAt } = await scan(decoded(), file);
  if (invalidAt !== undefined) throw await notUtf8(content, invalidAt, { file, counter: createCounter() });
  const hadByteOrderMark = startsWith(head, UTF8_MARK);
  const pieces = () => (hadByteOrderMark ? withoutMark(decoded()) : decoded());
  return { pieces, head: hadByteOrderMark ? head.subarray(3) : head, hadByteOrderMark, hasCarriageReturn };
}

/** Throws TrainerError invalid_dataset for what is binary. */
async function scan(pieces: AsyncIterable<Buffer>, file: string) {
  const check = new Utf8Check();
  const takeTurns = turnTaker();
  let head: Buffer | undefined;
  let offset = 0;
  let hasCarriageReturn = false;
  for await (const piece of pieces) {
    if (!head) refuseKind(piece, file);
    head ??= piece;
    // Also behind bytes that are no text: what has zeros is no text in another encoding.
    refuseZero(piece, { file, offset });
    hasCarriageReturn ||= piece.includes(CARRIAGE_RETURN);
    check.add(piece);
    offset += piece.length;
    await takeTurns(piece.length);
  }
  return { head: head ?? Buffer.alloc(0), hasCarriageReturn, invalidAt: check.finish() };
}

const CARRIAGE_RETURN = 0x0d;

async function notUtf8(
  content: ContentReader,
  invalidAt: number,
  { file, counter }: { file: string; counter: RowCounter },
): Promise<Error> {
  const takeTurns = turnTaker();
  let offset = 0;
  for await (const piece of piecesOf(content)) {
    if (offset >= invalidAt) break;
    counter.add(piece.subarray(0, invalidAt - offset));
    offset += piece.length;
    await takeTurns(piece.length);
  }
  const byte = (await content.read(invalidAt, 1)).toString("hex");
  const where = `byte ${grouped(invalidAt)} (0x${byte})`;
  return refusal(
    { file, row: counter.row },
    `${where} is not UTF-8, perhaps Latin-1 or Windows-1252; save the file as UTF-8`,
  );
}

/** Throws TrainerError invalid_dataset. */
export function refuseBinary(buffer: Buffer, file: string): void {
  refuseKind(buffer, file);
  refuseZero(buffer, { file, offset: 0 });
}

function refuseKind(head: Buffer, file: string): void {
  const [, kind, remedy] = kindByMagic.find(([magic]) => startsWith(head, magic)) ?? [];
  if (kind) throw refusal({ file }, `this looks like ${kind}; ${remedy}`);
}

function refuseZero(piece: Buffer, { file, offset }: { file: string; offset: number }): void {
  const zero = piece.indexOf(0);
  if (zero === -1) return;
  throw refusal(
    { file },
    `byte ${grouped(offset + zero)} is NUL, so this looks like a binary file; ${AS_CSV}`,
  );
}

/** The same text in UTF-8, its mark kept. */
async function* fromUtf16(
  pieces: AsyncIterable<Buffer>,
  encoding: Utf16,
  file: string,
): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
  const decode = (piece?: Buffer) => {
    try {
      return Buffer.from(piece ? decoder.decode(piece, { stream: true }) : decoder.decode());
    } catch (cause) {
      const what = "this looks like UTF-16 but is cut short or damaged; save it again as UTF-8";
      throw refusal({ file }, what, cause);
    }
  };
  for await (const piece of pieces) yield decode(piece);
  const rest = decode();
  if (rest.length > 0) yield rest;
}

async function* withoutMark(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let left = UTF8_MARK.length / 2;
  for await (const piece of pieces) {
    const rest = piece.subarray(left);
    left -= piece.length - rest.length;
    if (rest.length > 0) yield rest;
  }
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

/** Where bytes that come in pieces are first not UTF-8. A character may begin in one piece and end in the next. */
class Utf8Check {
  #open: Buffer = Buffer.alloc(0);
  /** Of the open bytes. */
  #offset = 0;
  #invalidAt: number | undefined;

  add(piece: Buffer): void {
    if (this.#invalidAt !== undefined) return;
    const bytes = this.#open.length === 0 ? piece : Buffer.concat([this.#open, piece]);
    const end = endOfCharacters(bytes);
    const whole = bytes.subarray(0, end);
    if (!isUtf8(whole)) this.#invalidAt = this.#offset + firstReplaced(whole);
    this.#open = Buffer.from(bytes.subarray(end));
    this.#offset += end;
  }

  /** Undefined where all are. */
  finish(): number | undefined {
    return this.#invalidAt ?? (this.#open.length > 0 ? this.#offset : undefined);
  }
}

/** Without the last character where it has not all of its bytes yet; bytes 10xxxxxx go on with one, at most three. */
function endOfCharacters(bytes: Buffer): number {
  for (let start = bytes.length - 1; start >= 0 && start > bytes.length - 4; start--) {
    const lead = bytes[start] ?? 0;
    if ((lead & 0xc0) === 0x80) continue;
    const length = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    return start + length > bytes.length ? start : bytes.length;
  }
  return bytes.length;
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
