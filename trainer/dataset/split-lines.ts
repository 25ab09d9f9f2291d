// Bytes that come in pieces → their lines, without a piece or a line ever being held whole beyond a limit. For what
// is read line by line and may be of any length: files on disk, and bodies that stream in.

export interface Line {
  /** From 1; blank lines count, and are given. */
  readonly number: number;
  /** Without its line feed; undefined where it is longer than it may be. */
  readonly bytes: Uint8Array | undefined;
}

const LINE_FEED = 0x0a;

/** For each piece the lines that ended in it, perhaps none, and at last the one that no line feed ends. */
export async function* splitLines(
  pieces: AsyncIterable<Uint8Array>,
  bytesMax: number,
): AsyncGenerator<Line[]> {
  const open = new OpenLine(bytesMax);
  let number = 0;
  for await (const piece of pieces) {
    const lines: Line[] = [];
    let start = 0;
    for (let end = piece.indexOf(LINE_FEED); end !== -1; end = piece.indexOf(LINE_FEED, start)) {
      number += 1;
      lines.push({ number, bytes: open.close(piece.subarray(start, end)) });
      start = end + 1;
    }
    open.add(piece.subarray(start));
    if (lines.length > 0) yield lines;
  }
  if (open.hasBegun) yield [{ number: number + 1, bytes: open.close(new Uint8Array()) }];
}

/** The line whose end has not come yet. Of one that is too long no byte is kept. */
class OpenLine {
  readonly #bytesMax: number;
  #pieces: Uint8Array[] = [];
  #length = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get hasBegun(): boolean {
    return this.#length > 0;
  }

  add(piece: Uint8Array): void {
    this.#length += piece.length;
    if (this.#length > this.#bytesMax) this.#pieces = [];
    // A copy, also of a Buffer: a view would keep the whole piece that it is a part of.
    else if (piece.length > 0) this.#pieces.push(Uint8Array.from(piece));
  }

  close(last: Uint8Array): Uint8Array | undefined {
    if (!this.hasBegun) return last.length > this.#bytesMax ? undefined : last;
    this.add(last);
    const isTooLong = this.#length > this.#bytesMax;
    const bytes = isTooLong ? undefined : concatenate(this.#pieces, this.#length);
    this.#pieces = [];
    this.#length = 0;
    return bytes;
  }
}

function concatenate(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.length;
  }
  return bytes;
}
