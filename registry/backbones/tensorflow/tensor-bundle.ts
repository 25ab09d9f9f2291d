// A TensorFlow tensor bundle (variables.index and variables.data-00000-of-00001) → tensors by name.
// Format: tensorflow/core/protobuf/tensor_bundle.proto. What is read: one shard, little endian, float32,
// no slices; anything else is refused.
import { ByteReader, type ProtobufField, toSize } from "./byte-reader.ts";
import { readSortedTable } from "./sorted-table.ts";

export interface BundleTensor {
  readonly shape: readonly number[];
  /** A view on the data file. */
  readonly values: Float32Array;
}

/** The header stands under the empty key. */
const HEADER_KEY = "";
/** Numbers of the fields of BundleHeaderProto, BundleEntryProto, TensorShapeProto and its Dim. */
const HEADER = { shards: 1, endianness: 2 };
const ENTRY = { dtype: 1, shape: 2, shard: 3, offset: 4, bytes: 5, slices: 7 };
const SHAPE = { dimension: 2, unknownRank: 3 };
const DIMENSION = { size: 1 };
const DT_FLOAT = 1n;

/** Throws Error naming the tensor that cannot be read, RangeError where the index is no table. */
export function readTensorBundle(index: Uint8Array, data: Uint8Array): Map<string, BundleTensor> {
  const table = readSortedTable(index);
  const header = table.get(HEADER_KEY);
  if (!header) throw new Error("the bundle has no header");
  const fields = new ByteReader(header).protobuf();
  const shards = integerOf(fields, HEADER.shards);
  if (shards !== 1n) throw new Error(`the bundle has ${shards} shards, 1 is read`);
  if (integerOf(fields, HEADER.endianness) !== 0n) throw new Error("the bundle is big endian");
  table.delete(HEADER_KEY);
  return new Map([...table].map(([name, entry]) => [name, readTensor(name, entry, data)]));
}

function readTensor(name: string, entry: Uint8Array, data: Uint8Array): BundleTensor {
  const fields = new ByteReader(entry).protobuf();
  const dtype = integerOf(fields, ENTRY.dtype);
  if (dtype !== DT_FLOAT) throw new Error(`the tensor ${name} has TensorFlow's type ${dtype}, not float32`);
  if (integerOf(fields, ENTRY.shard) !== 0n || fields.some(({ number }) => number === ENTRY.slices)) {
    throw new Error(`the tensor ${name} does not lie whole in the first shard`);
  }
  const shape = messagesOf(fields, ENTRY.shape).flatMap(readShape);
  const bytes = toSize(integerOf(fields, ENTRY.bytes));
  if (shape.reduce((product, size) => product * size, 4) !== bytes) {
    throw new Error(`the tensor ${name} is [${shape}] and has ${bytes} bytes`);
  }
  const offset = toSize(integerOf(fields, ENTRY.offset));
  if (offset + bytes > data.length) throw new Error(`the tensor ${name} lies beyond the end of the data`);
  return { shape, values: float32View(data.subarray(offset, offset + bytes)) };
}

function readShape(shape: Uint8Array): number[] {
  const fields = new ByteReader(shape).protobuf();
  if (integerOf(fields, SHAPE.unknownRank) !== 0n) throw new Error("a shape of unknown rank");
  return messagesOf(fields, SHAPE.dimension).map((dimension) =>
    toSize(integerOf(new ByteReader(dimension).protobuf(), DIMENSION.size)),
  );
}

/** The last of a field, as protobuf has it; absent is 0. */
function integerOf(fields: readonly ProtobufField[], number: number): bigint {
  const found = fields.findLast((field) => field.number === number);
  return found?.kind === "integer" ? found.value : 0n;
}

function messagesOf(fields: readonly ProtobufField[], number: number): Uint8Array[] {
  return fields.flatMap((field) => (field.number === number && field.kind === "bytes" ? [field.value] : []));
}

/** A copy where the bytes are not aligned; slice of a Buffer would be none. */
function float32View(bytes: Uint8Array): Float32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
}
