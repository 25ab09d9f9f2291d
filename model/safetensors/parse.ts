// safetensors bytes → tensors, strictly: whatever the format's text forbids or leaves open is refused,
// so that no two readers can see two contents in one file. Files come from tenants; nothing is trusted.
//
//   8 bytes  length of the header, unsigned, little endian
//   header   {"name": {"dtype": "F16", "shape": [2, 3], "data_offsets": [0, 12]}, …}, "{" first, spaces last
//   data     the tensors one after the other, no hole, no overlap, to the end of the file
import { ModelError } from "../errors.ts";
import { BYTES_BY_DTYPE, type Dtype, isDtype } from "./dtype.ts";
import { type HeaderValue, quote, readJson } from "./read-json.ts";

export interface Tensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Little endian; a view on the file's bytes, at any alignment. */
  readonly data: Uint8Array;
}

export interface Safetensors {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

export interface SafetensorsLimits {
  readonly headerBytesMax?: number;
  readonly tensorsMax?: number;
}

const HEADER_BYTES_MAX = 4 * 1024 * 1024;
const TENSORS_MAX = 10_000;
const RANK_MAX = 8;
const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/;

/** Throws ModelError invalid_safetensors; the message names the tensor and the problem. */
export function parseSafetensors(bytes: Uint8Array, limits: SafetensorsLimits = {}): Safetensors {
  const { headerBytesMax = HEADER_BYTES_MAX, tensorsMax = TENSORS_MAX } = limits;
  const headerBytes = readHeaderLength(bytes, headerBytesMax);
  const header = readHeader(bytes.subarray(8, 8 + headerBytes), tensorsMax);
  const data = bytes.subarray(8 + headerBytes);
  const metadata = readMetadata(header.get("__metadata__"));
  const entries = [...header].filter(([name]) => name !== "__metadata__").map(readEntry);
  requireContiguous(entries, data.length);
  const tensors = entries.map(
    ({ name, dtype, shape, begin, end }) =>
      [name, { dtype, shape, data: data.subarray(begin, end) }] as const,
  );
  return { tensors: new Map(tensors), metadata };
}

function readHeaderLength(bytes: Uint8Array, headerBytesMax: number): number {
  if (bytes.length < 10) refuse(foreign(bytes) ?? `the file ends after ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(headerBytesMax)) {
    refuse(
      foreign(bytes) ?? `the header says it has ${length} bytes, more than the ${headerBytesMax} allowed`,
    );
  }
  if (length > BigInt(bytes.length - 8)) {
    refuse(foreign(bytes) ?? `the header of ${length} bytes reaches beyond the end of the file`);
  }
  if (bytes[8] !== 0x7b) refuse(foreign(bytes) ?? "the header does not begin with '{'");
  return Number(length);
}

/** Files that are often given in place of safetensors, told by their content, never by a name. */
function foreign(bytes: Uint8Array): string | undefined {
  const [first = 0, second = 0] = bytes;
  // Protocols 2 to 5 begin with their number; older ones with an opcode, and all end with a full stop.
  const numbered = first === 0x80 && second >= 2 && second <= 5;
  const pickled = numbered || ("(c]}".includes(String.fromCharCode(first)) && bytes.at(-1) === 0x2e);
  const zipped = bytes[0] === 0x50 && bytes[1] === 0x4b;
  if (!pickled && !zipped) return undefined;
  return `this is a ${pickled ? "Python pickle" : "zip archive (as torch.save writes)"}, which can run code when it is read; save as safetensors instead`;
}

function readHeader(bytes: Uint8Array, tensorsMax: number): ReadonlyMap<string, HeaderValue> {
  let header: HeaderValue;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    // Root, tensor, shape: three deep. One member more than tensors: the metadata.
    header = readJson(text, { depthMax: 3, membersMax: tensorsMax + 1 });
  } catch (error) {
    const problem = error instanceof SyntaxError ? error.message : "it is not UTF-8";
    throw new ModelError("invalid_safetensors", `Invalid safetensors header: ${problem}.`, error);
  }
  return isMap(header) ? header : refuse("the header is not an object");
}

function readMetadata(value: HeaderValue | undefined): ReadonlyMap<string, string> {
  const metadata = new Map<string, string>();
  if (value === undefined) return metadata;
  if (!isMap(value)) refuse("__metadata__ is not an object");
  for (const [key, text] of value) {
    if (typeof text !== "string") refuse(`__metadata__ ${quote(key)} is not a string`);
    metadata.set(key, text);
  }
  return metadata;
}

interface Entry extends Omit<Tensor, "data"> {
  readonly name: string;
  readonly begin: number;
  readonly end: number;
}

function readEntry([name, value]: readonly [string, HeaderValue]): Entry {
  if (!NAME_PATTERN.test(name) || name.includes("..")) {
    refuseTensor(name, "the name may hold letters, digits, '_', '-' and single '.', at most 255, no path");
  }
  if (!isMap(value)) refuseTensor(name, "its entry is not an object");
  for (const key of value.keys()) {
    if (key !== "dtype" && key !== "shape" && key !== "data_offsets") {
      refuseTensor(name, `unknown field ${quote(key)}`);
    }
  }
  const dtype = value.get("dtype");
  if (!isDtype(dtype)) {
    refuseTensor(name, `dtype must be one of ${Object.keys(BYTES_BY_DTYPE).join(", ")}`);
  }
  const shape = value.get("shape");
  if (!isNumbers(shape)) refuseTensor(name, "shape must be an array of whole numbers");
  if (shape.length > RANK_MAX) refuseTensor(name, `shape has more than ${RANK_MAX} dimensions`);
  const [begin, end] = readOffsets(name, value.get("data_offsets"));
  const bytes = byteLength(name, shape, BYTES_BY_DTYPE[dtype]);
  if (end - begin !== bytes) {
    refuseTensor(name, `${dtype} [${shape}] takes ${bytes} bytes, its offsets hold ${end - begin}`);
  }
  return { name, dtype, shape, begin, end };
}

function readOffsets(name: string, offsets: HeaderValue | undefined): readonly [number, number] {
  if (!isNumbers(offsets) || offsets.length !== 2) {
    refuseTensor(name, "data_offsets must be two whole numbers");
  }
  const [begin = 0, end = 0] = offsets;
  if (begin > end) refuseTensor(name, `data_offsets [${begin}, ${end}] run backwards`);
  return [begin, end];
}

function byteLength(name: string, shape: readonly number[], elementBytes: number): number {
  let bytes = elementBytes;
  for (const dimension of shape) {
    bytes *= dimension;
    if (!Number.isSafeInteger(bytes)) refuseTensor(name, `shape [${shape}] is too large`);
  }
  return bytes;
}

function requireContiguous(entries: Entry[], dataBytes: number): void {
  entries.sort((left, right) => left.begin - right.begin || left.end - right.end);
  let at = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== at) {
      const problem = begin < at ? "overlaps the tensor before it" : `leaves a hole of ${begin - at} bytes`;
      refuseTensor(name, `its data ${problem}`);
    }
    if (end > dataBytes)
      refuseTensor(name, `its data ends at ${end}, the file holds ${dataBytes} bytes of data`);
    at = end;
  }
  if (at !== dataBytes) refuse(`${dataBytes - at} bytes follow the last tensor`);
}

function isMap(value: HeaderValue | undefined): value is ReadonlyMap<string, HeaderValue> {
  return value instanceof Map;
}

function isNumbers(value: HeaderValue | undefined): value is readonly number[] {
  return Array.isArray(value) && value.every((member) => typeof member === "number");
}

function refuseTensor(name: string, problem: string): never {
  return refuse(`tensor ${quote(name)}: ${problem}`);
}

function refuse(problem: string): never {
  throw new ModelError("invalid_safetensors", `Invalid safetensors: ${problem}.`);
}
