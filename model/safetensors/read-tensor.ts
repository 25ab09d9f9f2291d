// A tensor's elements as float32, from F32, F16 or BF16.
import { ModelError } from "../errors.ts";
import type { Tensor } from "./parse.ts";

/** Float32 → half precision → Float32: the values an adapter will have after a trip through its file. */
export function roundToHalf(values: Float32Array): Float32Array<ArrayBuffer> {
  return new Float32Array(new Float16Array(values));
}

/**
 * F32 data may be a view on the file's bytes: read it, never write it.
 * Throws ModelError invalid_safetensors for other dtypes and, unless told not to, for NaN and infinity.
 */
export function toFloat32(name: string, tensor: Tensor, options: { finite?: boolean } = {}): Float32Array {
  const values = convert(name, tensor);
  if ((options.finite ?? true) && !allFinite(values)) {
    throw new ModelError("invalid_safetensors", `Tensor "${name}" holds NaN or infinite values.`);
  }
  return values;
}

function convert(name: string, { dtype, data }: Tensor): Float32Array {
  switch (dtype) {
    case "F32": {
      const { buffer, byteOffset, byteLength } = aligned(data, 4);
      return new Float32Array(buffer, byteOffset, byteLength / 4);
    }
    case "F16": {
      const { buffer, byteOffset, byteLength } = aligned(data, 2);
      return new Float32Array(new Float16Array(buffer, byteOffset, byteLength / 2));
    }
    case "BF16": {
      const { buffer, byteOffset, byteLength } = aligned(data, 2);
      return fromBfloat16(new Uint16Array(buffer, byteOffset, byteLength / 2));
    }
    default:
      throw new ModelError(
        "invalid_safetensors",
        `Tensor "${name}" is ${dtype}; F32, F16 or BF16 is needed.`,
      );
  }
}

/** bfloat16 is the upper half of a float32. */
function fromBfloat16(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = (halves[i] ?? 0) << 16;
  return new Float32Array(bits.buffer);
}

/** Typed arrays of several bytes an element cannot begin anywhere in a buffer. Buffer's slice would not copy. */
function aligned(data: Uint8Array, elementBytes: number): Uint8Array {
  return data.byteOffset % elementBytes === 0 ? data : new Uint8Array(data);
}

/** x - x is 0 for finite x, else NaN: one addition an element instead of a call. */
function allFinite(values: Float32Array): boolean {
  let sum = 0;
  for (const value of values) sum += value - value;
  return sum === 0;
}
