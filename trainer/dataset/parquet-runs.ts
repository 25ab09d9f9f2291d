// Parquet's hybrid of runs and bit-packed values, as nulls, booleans and dictionary indices are stored. The
// reader writes as many values as a run says, beyond the end of its output too, and so as much as a hostile
// file asks for: runs are counted before it may.
import { requireOf } from "./parquet-fault.ts";

/** Bit-packed runs hold eight values each; some writers fill up to 64 of these. */
const PADDING_VALUES_MAX = 512;
const LENGTH_BYTES = 4;

/** Throws ParquetFault where the runs are not of `count` values of `width` bits. */
export function requireRuns(bytes: Uint8Array, { width, count }: { width: number; count: number }): void {
  let [at, seen] = [0, 0];
  while (seen < count) {
    const [header, end] = readVarInt(bytes, at);
    const isPacked = header % 2 === 1;
    const values = isPacked ? 8 * Math.floor(header / 2) : header / 2;
    const room = count - seen + (isPacked ? PADDING_VALUES_MAX : 0);
    requireOf(values <= room, `a run of ${values} values in a page of ${count}`);
    seen += values;
    at = end + (isPacked ? (values / 8) * width : Math.ceil(width / 8));
  }
}

/** Of levels with their length before them, one bit each; returns where they end. */
export function requireLevels(bytes: Uint8Array, count: number): number {
  requireOf(bytes.length >= LENGTH_BYTES, "a page that is cut short");
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
  const end = LENGTH_BYTES + length;
  requireOf(end <= bytes.length, "levels longer than their page");
  requireRuns(bytes.subarray(LENGTH_BYTES, end), { width: 1, count });
  return end;
}

function readVarInt(bytes: Uint8Array, from: number): [value: number, end: number] {
  let [value, at] = [0, from];
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[at++];
    if (byte === undefined || scale > 2 ** 28) break;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return [value, at];
  }
  requireOf(false, "a page that is cut short");
  return [0, at];
}
