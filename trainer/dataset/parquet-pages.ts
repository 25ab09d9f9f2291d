// The values of one flat Parquet column, page by page, by hyparquet. What a page says of its own size is held
// against what there is before anything is reserved for it: a small file must not ask for much memory.
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import type { ColumnMetaData, CompressionCodec, PageHeader, ParquetType, SchemaElement } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { DEFAULT_PARSERS } from "hyparquet/src/convert.js";
import { readDataPage, readDataPageV2 } from "hyparquet/src/datapage.js";
import { readPlain } from "hyparquet/src/plain.js";
import type { ContentReader } from "./content.ts";
import { ParquetFault, requireOf } from "./parquet-fault.ts";
import { requireLevels, requireRuns } from "./parquet-runs.ts";
import { unpackSnappy } from "./unpack-snappy.ts";

/** A value as it is stored, null where there is none. */
export type StoredValue = Uint8Array | number | bigint | boolean | null;

export interface ColumnChunk {
  readonly file: ContentReader;
  readonly meta: ColumnMetaData;
  /** Of a column directly below the root. */
  readonly element: SchemaElement;
  /** Of its group. */
  readonly rows: number;
  /** Told the bytes of each page before it is unpacked. Throws where that is too much. */
  readonly onUnpack: (bytes: number) => void;
}

/** Statistics of long texts make up nearly all of it. */
const PAGE_HEADER_BYTES_MAX = 256 * 1024;
/** Packed or not: one is in memory at a time. Writers make pages of 1 MiB, some of 100 MB. */
const PAGE_BYTES_MAX = 128 * 1024 * 1024;
/** Read at once, so that many small pages are not read one by one. */
const WINDOW_BYTES = 1024 * 1024;

type PageValues = ArrayLike<StoredValue>;

/** As many values as the column has rows. Throws ParquetFault, and what hyparquet throws of broken bytes. */
export async function* pagesOf(column: ColumnChunk): AsyncGenerator<PageValues> {
  const { from: start, end } = placeOf(column);
  const window = new FileWindow(column.file);
  let at = start;
  let dictionary: PageValues = [];
  let rowsLeft = column.rows;
  while (rowsLeft > 0) {
    const head = await window.read(at, Math.min(PAGE_HEADER_BYTES_MAX, end - at));
    const reader = { view: viewOf(head), offset: 0 };
    const header = parquetHeader(reader);
    const [from, size] = [at + reader.offset, header.compressed_page_size];
    requireOf(size >= 0 && from + size <= end, "a page that is cut short");
    requirePageSize(size);
    at = from + size;
    const page = await window.read(from, size);
    if (header.type === "DICTIONARY_PAGE") dictionary = readDictionary(page, header, column);
    const count = header.data_page_header?.num_values ?? header.data_page_header_v2?.num_values;
    if (header.type === "DICTIONARY_PAGE" || count === undefined) continue;
    requireOf(count > 0 && count <= rowsLeft, `a page of ${count} values where ${rowsLeft} rows are left`);
    rowsLeft -= count;
    yield readPage(page, header, { column, dictionary });
  }
}

function placeOf({ file, meta }: ColumnChunk): { from: number; end: number } {
  const from = Number(meta.dictionary_page_offset || meta.data_page_offset);
  const size = Number(meta.total_compressed_size);
  requireOf(from >= 0 && size >= 0 && from + size <= file.bytes, "a column that lies outside the file");
  return { from, end: from + size };
}

function requirePageSize(bytes: number): void {
  const limit = `${PAGE_BYTES_MAX / (1024 * 1024)} MiB, the limit`;
  requireOf(bytes <= PAGE_BYTES_MAX, `a page of more than ${limit}; write it in pages of 1 MiB`);
}

/** What was last read of a file, and somewhat more. */
class FileWindow {
  readonly #file: ContentReader;
  #from = 0;
  #bytes: Uint8Array = new Uint8Array();

  constructor(file: ContentReader) {
    this.#file = file;
  }

  /** A view, good until the next call. Throws ParquetFault where the file ends before. */
  async read(from: number, length: number): Promise<Uint8Array> {
    const isWithin = from >= this.#from && from + length <= this.#from + this.#bytes.length;
    if (!isWithin) {
      this.#bytes = await this.#file.read(from, Math.max(length, WINDOW_BYTES));
      this.#from = from;
    }
    requireOf(from + length <= this.#from + this.#bytes.length, "a page that is cut short");
    return this.#bytes.subarray(from - this.#from, from - this.#from + length);
  }
}

/** Bytes that each value takes at least: a number, or a text's length. */
const ENTRY_BYTES_MIN = 4;

function readDictionary(page: Uint8Array, header: PageHeader, column: ColumnChunk): PageValues {
  const count = header.dictionary_page_header?.num_values ?? -1;
  const bytes = unpack(page, header.uncompressed_page_size, column);
  const isBounded = count >= 0 && count <= column.rows && count * ENTRY_BYTES_MIN <= bytes.length;
  requireOf(isBounded, `a dictionary of ${count} entries in a page of ${bytes.length} bytes`);
  const reader = { view: viewOf(bytes), offset: 0 };
  return readPlain(reader, typeOf(column), count, column.element.type_length);
}

function readPage(
  page: Uint8Array,
  header: PageHeader,
  { column, dictionary }: { column: ColumnChunk; dictionary: PageValues },
): PageValues {
  const { data_page_header: first, data_page_header_v2: second } = header;
  const { dataPage, definitionLevels } = first
    ? readFirst(unpack(page, header.uncompressed_page_size, column), first, column)
    : readSecond(page, header, column);
  const encoding = first?.encoding ?? second?.encoding;
  const count = first?.num_values ?? second?.num_values ?? 0;
  const values: PageValues = isDictionary(encoding) ? look(dictionary, dataPage) : dataPage;
  const levels = definitionLevels ?? [];
  if (levels.length === 0) {
    requireOf(values.length >= count, "a page that is cut short");
    return values.length === count ? values : Array.from(values).slice(0, count);
  }
  let next = 0;
  return levels.slice(0, count).map((level) => (level > 0 ? (values[next++] ?? null) : null));
}

type FirstHeader = NonNullable<PageHeader["data_page_header"]>;

/** A page of version 1: levels and values are packed together. */
function readFirst(bytes: Uint8Array, header: FirstHeader, column: ColumnChunk) {
  const { num_values: count, encoding } = header;
  const start = isNullable(column) ? requireLevels(bytes, count) : 0;
  requireValues(bytes.subarray(start), { encoding, column, count });
  return readDataPage(bytes, header, decoderOf(column));
}

/** A page of version 2: levels stand before the values, and are not packed. */
function readSecond(page: Uint8Array, header: PageHeader, column: ColumnChunk) {
  const second = header.data_page_header_v2;
  if (!second) throw new ParquetFault("a page without a header");
  const { num_values: count, num_nulls: nulls, encoding } = second;
  const levelBytes = second.definition_levels_byte_length;
  requireOf(second.repetition_levels_byte_length === 0, "a page of nested values");
  requireOf(levelBytes >= 0 && levelBytes <= page.length, "levels longer than their page");
  requireOf(nulls >= 0 && nulls <= count, `${nulls} nulls among ${count} values`);
  if (isNullable(column)) requireRuns(page.subarray(0, levelBytes), { width: 1, count });
  const packed = page.subarray(levelBytes);
  const values =
    second.is_compressed === false
      ? packed
      : unpack(packed, header.uncompressed_page_size - levelBytes, column);
  requireValues(values, { encoding, column, count: count - nulls });
  const bytes = new Uint8Array(levelBytes + values.length);
  bytes.set(page.subarray(0, levelBytes));
  bytes.set(values, levelBytes);
  const unpacked = { ...header, data_page_header_v2: { ...second, is_compressed: false } };
  return readDataPageV2(bytes, unpacked, decoderOf(column));
}

/** Encodings whose output is bounded by their input; the delta encodings can make much of little. */
function requireValues(
  bytes: Uint8Array,
  { encoding, column, count }: { encoding: string; column: ColumnChunk; count: number },
): void {
  const isRuns = encoding === "RLE" && typeOf(column) === "BOOLEAN";
  const remedy = "write it with plain or dictionary encoding";
  const isRead = encoding === "PLAIN" || isDictionary(encoding) || isRuns;
  requireOf(isRead, `a column encoded as ${encoding}, which is not read; ${remedy}`);
  if (isRuns) requireRuns(bytes.subarray(4), { width: 1, count });
  if (!isDictionary(encoding)) return;
  const [width = 0] = bytes;
  requireOf(width <= 32, "a page that is damaged");
  if (width > 0) requireRuns(bytes.subarray(1), { width, count });
}

function isDictionary(encoding: string | undefined): boolean {
  return encoding === "RLE_DICTIONARY" || encoding === "PLAIN_DICTIONARY";
}

function look(dictionary: PageValues, indices: PageValues): PageValues {
  return Array.from(indices, (index) => {
    const value = dictionary[Number(index)];
    if (value === undefined) throw new ParquetFault(`no entry ${index} in a column's dictionary`);
    return value;
  });
}

function decoderOf({ meta, element }: ColumnChunk) {
  const { name } = element;
  const root = { name: "root", repetition_type: "REQUIRED" as const };
  return {
    type: meta.type,
    element,
    pathInSchema: [name],
    schemaPath: [
      { children: [], count: 1, element: root, path: [] },
      { children: [], count: 1, element, path: [name] },
    ],
    codec: "UNCOMPRESSED" as const,
    parsers: DEFAULT_PARSERS,
  };
}

function typeOf({ meta, element }: ColumnChunk): ParquetType {
  requireOf(meta.type === element.type, "a column of two types");
  return meta.type;
}

function isNullable({ element }: ColumnChunk): boolean {
  return element.repetition_type !== "REQUIRED";
}

/** In a buffer of its own, so that nothing can be read beyond. Throws where the size is another. */
function unpack(packed: Uint8Array, size: number, { meta, onUnpack }: ColumnChunk): Uint8Array {
  requireOf(size >= 0, "a page of a negative size");
  onUnpack(size);
  requirePageSize(size);
  const bytes = unpackers[meta.codec]?.(packed, size);
  const remedy = `write it with one of ${Object.keys(unpackers).join(", ")}`;
  if (!bytes) throw new ParquetFault(`a column packed by ${meta.codec}, which is not read; ${remedy}`);
  requireOf(bytes.length === size, `a page of ${bytes.length} bytes where ${size} are declared`);
  return new Uint8Array(bytes);
}

type Unpack = (packed: Uint8Array, size: number) => Uint8Array;

const atMost = (size: number) => ({ maxOutputLength: Math.max(1, size) });

const unpackers: Partial<Record<CompressionCodec, Unpack>> = {
  SNAPPY: unpackSnappy,
  ZSTD: (packed, size) => zstdDecompressSync(packed, atMost(size)),
  GZIP: (packed, size) => gunzipSync(packed, atMost(size)),
  BROTLI: (packed, size) => brotliDecompressSync(packed, atMost(size)),
  UNCOMPRESSED: (packed) => packed,
};

function viewOf(bytes: Uint8Array): DataView<ArrayBuffer> {
  return new DataView(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
}
