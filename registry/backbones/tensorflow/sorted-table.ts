// A LevelDB-format sorted string table, as TensorFlow writes its variables.index: blocks of entries whose
// keys share prefixes, an index block of where those are, and a footer of 48 bytes.
// Format: github.com/google/leveldb, doc/table_format.md. Blocks must be uncompressed, as TensorFlow's are.
import { ByteReader } from "./byte-reader.ts";

const FOOTER_BYTES = 48;
const MAGIC = 0xdb4775248b80fb57n;
/** After each block: how it is compressed, and a CRC, which is not read: the whole file's sha256 is pinned. */
const TRAILER_BYTES = 5;
const UNCOMPRESSED = 0;

/** All entries, in the order of their keys. Throws RangeError where the bytes are no such table. */
export function readSortedTable(table: Uint8Array): Map<string, Uint8Array> {
  const footer = new ByteReader(table.subarray(Math.max(0, table.length - FOOTER_BYTES)));
  readHandle(footer);
  const index = readHandle(footer);
  footer.take(footer.left - 8);
  if (footer.fixed64() !== MAGIC) throw new RangeError("the table does not end in LevelDB's magic number");
  const entries = new Map<string, Uint8Array>();
  for (const { value } of readBlock(table, index)) {
    for (const entry of readBlock(table, readHandle(new ByteReader(value)))) {
      if (entries.has(entry.key)) throw new RangeError(`the key ${JSON.stringify(entry.key)} stands twice`);
      entries.set(entry.key, entry.value);
    }
  }
  return entries;
}

interface Handle {
  readonly offset: number;
  readonly bytes: number;
}

function readHandle(reader: ByteReader): Handle {
  return { offset: reader.size(), bytes: reader.size() };
}

interface Entry {
  readonly key: string;
  readonly value: Uint8Array;
}

/** Entries [shared, unshared, value bytes; rest of the key; value], then restart points and their count. */
function readBlock(table: Uint8Array, { offset, bytes }: Handle): Entry[] {
  const whole = new ByteReader(table.subarray(offset)).take(bytes + TRAILER_BYTES);
  if (whole[bytes] !== UNCOMPRESSED) throw new RangeError(`the block at ${offset} is compressed`);
  const restarts = new ByteReader(whole.subarray(Math.max(0, bytes - 4), bytes)).fixed32();
  const reader = new ByteReader(new ByteReader(whole).take(bytes - 4 * (restarts + 1)));
  const entries: Entry[] = [];
  let key = new Uint8Array();
  while (reader.left > 0) {
    const [shared, unshared, length] = [reader.size(), reader.size(), reader.size()];
    key = Uint8Array.from([...new ByteReader(key).take(shared), ...reader.take(unshared)]);
    const text = new TextDecoder("utf-8", { fatal: true }).decode(key);
    entries.push({ key: text, value: reader.take(length) });
  }
  return entries;
}
