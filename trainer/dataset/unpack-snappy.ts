// Snappy's raw format: a length, then literals and copies of what came before. Of broken bytes it ends with an
// error, never with more than the size that is asked for.

/** Throws RangeError where the bytes are not `size` bytes, packed. */
export function unpackSnappy(packed: Uint8Array, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let at = 0;
  while ((packed[at++] ?? 0) >= 0x80);
  let length = 0;
  while (at < packed.length) {
    const element = readElement(packed, at);
    const fits = length + element.length <= size && element.end <= packed.length;
    if (!fits || (element.isCopy && (element.from < 1 || element.from > length))) throw broken();
    if (!element.isCopy) bytes.set(packed.subarray(element.from, element.end), length);
    // A copy may read what it writes: the last bytes again and again.
    else for (let i = 0; i < element.length; i++) bytes[length + i] = bytes[length + i - element.from] ?? 0;
    length += element.length;
    at = element.end;
  }
  if (length !== size) throw broken();
  return bytes;
}

interface Element {
  readonly isCopy: boolean;
  readonly length: number;
  /** Of a copy: how far back it starts; of a literal: where in the packed bytes. */
  readonly from: number;
  /** Where the next element starts. */
  readonly end: number;
}

function readElement(packed: Uint8Array, at: number): Element {
  const tag = packed[at] ?? 0;
  const number = (bytes: number) => littleEndian(packed, at + 1, bytes);
  switch (tag & 3) {
    case 0: {
      const lengthBytes = Math.max(0, (tag >> 2) - 59);
      const length = 1 + (lengthBytes === 0 ? tag >> 2 : number(lengthBytes));
      const from = at + 1 + lengthBytes;
      return { isCopy: false, length, from, end: from + length };
    }
    case 1: {
      const from = ((tag >> 5) << 8) + number(1);
      return { isCopy: true, length: 4 + ((tag >> 2) & 7), from, end: at + 2 };
    }
    case 2:
      return { isCopy: true, length: 1 + (tag >> 2), from: number(2), end: at + 3 };
    default:
      return { isCopy: true, length: 1 + (tag >> 2), from: number(4), end: at + 5 };
  }
}

function littleEndian(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = 0; i < count; i++) value += (bytes[at + i] ?? 0) * 2 ** (8 * i);
  return value;
}

function broken(): RangeError {
  return new RangeError("these bytes are not packed by snappy, or are damaged");
}
