// A TensorFlow Hub module of a tiny BERT, written as TensorFlow writes one: for tests of the conversion.
import { transpose } from "#model";
import { ProtobufWriter } from "../../model/graph/protobuf.ts";
import { parseSafetensors } from "../../model/safetensors/parse.ts";
import { toFloat32 } from "../../model/safetensors/read-tensor.ts";
import { bertNames } from "../../registry/backbones/tensorflow/bert-names.ts";
import type { BertModule } from "../../registry/backbones/tensorflow/convert-bert.ts";
import { makeTinyBackbone } from "./tiny-backbone.ts";

const LAYERS = 2;
/** Entries of a data block: several blocks, so that the index has several entries too. */
const BLOCK_ENTRIES = 5;

/** The backbone with a masked-language-model head whose weights the module holds. Heads are 64 wide. */
export const MODULE_BACKBONE = { layers: LAYERS, width: 64, heads: 1, maskHead: true };

export function makeBertModule(): BertModule {
  const { model } = JSON.parse(new TextDecoder().decode(makeTinyBackbone(MODULE_BACKBONE).tokenizer));
  return { vocabulary: toBytes(vocabularyOf(model.vocab)), ...writeTensorBundle(bertVariables()) };
}

/** In the order of the table of names. */
export function bertVariables(): Variable[] {
  const { tensors } = parseSafetensors(makeTinyBackbone(MODULE_BACKBONE).weights);
  return bertNames(LAYERS).map(({ variable: name, tensor, transposed }) => {
    const found = tensors.get(tensor);
    if (!found) throw new Error(`the tiny backbone lacks ${tensor}`);
    const values = toFloat32(tensor, found);
    const [rows = 0, columns = 0] = found.shape;
    if (!transposed) return { name, shape: found.shape, values };
    return { name, shape: [columns, rows], values: transpose(values, rows, columns) };
  });
}

function vocabularyOf(vocab: Record<string, number>): string {
  const tokens = Object.entries(vocab).sort(([, one], [, other]) => one - other);
  return tokens.map(([token]) => `${token}\n`).join("");
}

export interface Variable {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
  /** TensorFlow's number of the element type; 1 is float32. */
  readonly dtype?: number;
}

export function writeTensorBundle(
  variables: readonly Variable[],
  { shards = 1 }: { shards?: number } = {},
): { index: Uint8Array; data: Uint8Array } {
  const header = new ProtobufWriter().varint(1, shards).finish();
  const chunks: Uint8Array[] = [];
  let offset = 0;
  const entries = [...variables]
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .map(({ name, shape, values, dtype = 1 }): [string, Uint8Array] => {
      const sizes = new ProtobufWriter();
      for (const size of shape) sizes.message(2, new ProtobufWriter().varint(1, size));
      const entry = new ProtobufWriter().varint(1, dtype).message(2, sizes);
      // As in TensorFlow's own files, what is 0 is not written.
      if (offset > 0) entry.varint(4, offset);
      entry.varint(5, values.byteLength);
      chunks.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      offset += values.byteLength;
      return [name, entry.finish()];
    });
  return { index: writeSortedTable([["", header], ...entries]), data: Buffer.concat(chunks) };
}

/** Keys share prefixes within a block, as LevelDB writes them. `compression` is the type byte of each block. */
export function writeSortedTable(
  entries: readonly (readonly [string, Uint8Array])[],
  { compression = 0 }: { compression?: number } = {},
): Uint8Array {
  const file: Uint8Array[] = [];
  let at = 0;
  const append = (block: Uint8Array): Uint8Array => {
    const handle = Uint8Array.from([...varint(at), ...varint(block.length)]);
    file.push(block, Uint8Array.of(compression, 0, 0, 0, 0));
    at += block.length + 5;
    return handle;
  };
  const handles: [string, Uint8Array][] = [];
  for (let from = 0; from < entries.length; from += BLOCK_ENTRIES) {
    const some = entries.slice(from, from + BLOCK_ENTRIES);
    handles.push([some.at(-1)?.[0] ?? "", append(writeBlock(some))]);
  }
  const meta = append(writeBlock([]));
  const index = append(writeBlock(handles));
  const footer = new Uint8Array(48);
  footer.set([...meta, ...index]);
  footer.set([0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb], 40);
  return Buffer.concat([...file, footer]);
}

function writeBlock(entries: readonly (readonly [string, Uint8Array])[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let before = new Uint8Array();
  for (const [name, value] of entries) {
    const key = toBytes(name);
    let shared = 0;
    while (shared < Math.min(before.length, key.length) && before[shared] === key[shared]) shared += 1;
    const sizes = [...varint(shared), ...varint(key.length - shared), ...varint(value.length)];
    parts.push(Uint8Array.from(sizes), key.subarray(shared), value);
    before = key;
  }
  // One restart point, at 0.
  return Buffer.concat([...parts, Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0)]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
}

function toBytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
