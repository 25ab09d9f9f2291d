// Reads little-endian numbers and protobuf fields out of bytes, front to back, and never beyond their end.

/** What a protobuf message holds: its fields in the order of the bytes. */
export type ProtobufField =
  | { readonly number: number; readonly kind: "integer"; readonly value: bigint }
  | { readonly number: number; readonly kind: "bytes"; readonly value: Uint8Array };

const VARINT_BYTES_MAX = 10;

export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** A view on the next bytes. Throws RangeError when there are fewer. */
  take(length: number): Uint8Array {
    if (!(length >= 0 && length <= this.left)) {
      throw new RangeError(`${length} bytes are asked for at ${this.#at}, ${this.left} are left`);
    }
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  fixed32(): number {
    const bytes = this.take(4);
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  }

  fixed64(): bigint {
    const bytes = this.take(8);
    return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  }

  /** Base 128, low first, at most 64 bits. */
  varint(): bigint {
    let value = 0n;
    for (let index = 0; index < VARINT_BYTES_MAX; index++) {
      const byte = this.take(1)[0] ?? 0;
      value |= BigInt(byte & 127) << BigInt(7 * index);
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    throw new RangeError(`a number of more than ${VARINT_BYTES_MAX} bytes ends at ${this.#at}`);
  }

  /** A varint that counts or places something. */
  size(): number {
    return toSize(this.varint());
  }

  /** Throws RangeError for groups, which nothing read here has. */
  protobuf(): ProtobufField[] {
    const fields: ProtobufField[] = [];
    while (this.left > 0) fields.push(this.#field());
    return fields;
  }

  #field(): ProtobufField {
    const tag = this.size();
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        return { number, kind: "integer", value: this.varint() };
      case 1:
        return { number, kind: "integer", value: this.fixed64() };
      case 2:
        return { number, kind: "bytes", value: this.take(this.size()) };
      case 5:
        return { number, kind: "integer", value: BigInt(this.fixed32()) };
      default:
        throw new RangeError(`field ${number} has the unknown wire type ${tag % 8}`);
    }
  }
}

/** Throws RangeError for what is no exact number. */
export function toSize(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`${value} is no size`);
  return Number(value);
}
