// Tensors → safetensors bytes. The same tensors give the same bytes: an adapter's digest depends on it.
import { ModelError } from "../errors.ts";
import { BYTES_BY_DTYPE } from "./dtype.ts";

export interface TensorToWrite {
  readonly dtype: "F32" | "F16";
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/**
 * Wider elements first, so that each tensor is aligned, then by name; the header is padded with spaces
 * to 8 bytes. Throws ModelError invalid_safetensors for a value that F16 cannot hold.
 */
export function serializeSafetensors(
  tensors: ReadonlyMap<string, TensorToWrite>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const ordered = [...tensors].sort(([leftName, left], [rightName, right]) => {
    const byWidth = BYTES_BY_DTYPE[right.dtype] - BYTES_BY_DTYPE[left.dtype];
    return byWidth || (leftName < rightName ? -1 : 1);
  });
  const chunks = ordered.map(([name, tensor]) => encodeValues(name, tensor));
  const header = encodeHeader(ordered, metadata);
  const dataBytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const file = new Uint8Array(8 + header.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  let at = 8 + header.length;
  for (const chunk of chunks) {
    file.set(chunk, at);
    at += chunk.length;
  }
  return file;
}

function encodeHeader(
  ordered: readonly (readonly [string, TensorToWrite])[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const sortedMetadata = Object.entries(metadata).sort(([left], [right]) => (left < right ? -1 : 1));
  const entries: [string, unknown][] =
    sortedMetadata.length > 0 ? [["__metadata__", Object.fromEntries(sortedMetadata)]] : [];
  let at = 0;
  for (const [name, { dtype, shape, values }] of ordered) {
    const end = at + values.length * BYTES_BY_DTYPE[dtype];
    entries.push([name, { dtype, shape, data_offsets: [at, end] }]);
    at = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const padded = new Uint8Array(Math.ceil(json.length / 8) * 8).fill(0x20);
  padded.set(json);
  return padded;
}

function encodeValues(name: string, { dtype, shape, values }: TensorToWrite): Uint8Array {
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  if (size !== values.length) {
    throw new Error(`tensor ${name} has ${values.length} values, its shape [${shape}] wants ${size}`);
  }
  if (dtype === "F32") return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const halves = new Float16Array(values);
  if (halves.some((half, i) => !Number.isFinite(half) && Number.isFinite(values[i]))) {
    throw new ModelError("invalid_safetensors", `Tensor "${name}" holds values beyond the range of F16.`);
  }
  return new Uint8Array(halves.buffer);
}
