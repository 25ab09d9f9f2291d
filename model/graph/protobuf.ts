// A protobuf writer of just what ONNX files need. Chunks are kept and joined once at the end, so that
// the weights are copied a single time.

export class ProtobufWriter {
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  varint(field: number, value: number | bigint): this {
    this.#push(encodeVarint(field << 3));
    this.#push(encodeVarint(value));
    return this;
  }

  float(field: number, value: number): this {
    this.#push(encodeVarint((field << 3) | 5));
    this.#push(new Uint8Array(Float32Array.of(value).buffer));
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#push(encodeVarint((field << 3) | 2));
    this.#push(encodeVarint(value.length));
    this.#push(value);
    return this;
  }

  string(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  message(field: number, writer: ProtobufWriter): this {
    this.#push(encodeVarint((field << 3) | 2));
    this.#push(encodeVarint(writer.#length));
    for (const chunk of writer.#chunks) this.#push(chunk);
    return this;
  }

  get bytesWritten(): number {
    return this.#length;
  }

  /** What `finish` joins. */
  get pieces(): readonly Uint8Array[] {
    return this.#chunks;
  }

  finish(): Uint8Array {
    const joined = new Uint8Array(this.#length);
    let offset = 0;
    for (const chunk of this.#chunks) {
      joined.set(chunk, offset);
      offset += chunk.length;
    }
    return joined;
  }

  #push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }
}

/** Seven bits a byte, low first; a negative number as its 64-bit two's complement. */
function encodeVarint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 128 : low);
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}
