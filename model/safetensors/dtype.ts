// The element types a safetensors file may hold. Others (F8, F4, complex) are refused, not guessed.

/** Bytes of one element. */
export const BYTES_BY_DTYPE = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const;

export type Dtype = keyof typeof BYTES_BY_DTYPE;

export function isDtype(name: unknown): name is Dtype {
  return typeof name === "string" && Object.hasOwn(BYTES_BY_DTYPE, name);
}
