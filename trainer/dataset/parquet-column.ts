// One column of a Parquet file as strings: texts are strings; labels are strings, whole numbers, booleans, or
// the names that a Hugging Face ClassLabel gives its numbers.
import type { FileMetaData, RowGroup, SchemaElement, SchemaTree } from "hyparquet";
import { z } from "zod";
import type { ColumnName } from "./columns.ts";
import type { ContentReader } from "./content.ts";
import { ParquetFault, requireOf } from "./parquet-fault.ts";
import { pagesOf, type StoredValue } from "./parquet-pages.ts";
import { grouped, refusal } from "./refuse.ts";

type Kind = "text" | "whole number" | "boolean";

interface ColumnOptions {
  readonly name: string;
  /** All columns of the file. */
  readonly children: readonly SchemaTree[];
  readonly metadata: FileMetaData;
  /** Shown in messages. */
  readonly file: string;
  /** Told the bytes of each text before it becomes a string: a dictionary has it once for many rows. */
  readonly onText: (bytes: number) => void;
}

export class ParquetColumn {
  readonly role: ColumnName;
  readonly name: string;
  readonly #file: string;
  readonly #element: SchemaElement;
  readonly #kind: Kind;
  readonly #classNames: readonly string[] | undefined;
  readonly #onText: ColumnOptions["onText"];
  #pages: AsyncIterator<ArrayLike<StoredValue>> | undefined;
  #page: ArrayLike<StoredValue> = [];
  #next = 0;

  /** Throws TrainerError invalid_dataset where the column holds what cannot be its role. */
  constructor(role: ColumnName, options: ColumnOptions) {
    const { name, metadata, file, onText } = options;
    this.role = role;
    this.name = name;
    this.#file = file;
    this.#onText = onText;
    const { element, kind } = requireKind(role, options);
    this.#element = element;
    this.#kind = kind;
    this.#classNames = role === "label" && kind === "whole number" ? classNamesOf(metadata, name) : undefined;
  }

  /** Goes on with the rows of a group. Throws ParquetFault. */
  open(file: ContentReader, group: RowGroup, onUnpack: (bytes: number) => void): void {
    const chunk = group.columns.find(({ meta_data: meta }) => {
      const [name, ...inner] = meta?.path_in_schema ?? [];
      return name === this.name && inner.length === 0;
    });
    const meta = chunk?.meta_data;
    if (!meta || chunk.file_path) throw new ParquetFault(`no column "${this.name}" in a group of rows`);
    const rows = Number(group.num_rows);
    this.#pages = pagesOf({ file, meta, element: this.#element, rows, onUnpack });
    [this.#page, this.#next] = [[], 0];
  }

  /** Whether the next value is at hand; load() gets it otherwise. */
  get hasNext(): boolean {
    return this.#next < this.#page.length;
  }

  /** Unpacks the next page. Throws ParquetFault, and what hyparquet does. */
  async load(): Promise<void> {
    const { value = [] } = (await this.#pages?.next()) ?? {};
    [this.#page, this.#next] = [value, 0];
  }

  /** The next value. Throws TrainerError invalid_dataset, ParquetFault. */
  read(row: number): string {
    requireOf(this.hasNext, "fewer values than rows");
    const value = this.#page[this.#next++];
    const at = { file: this.#file, row, column: this.name };
    if (value === null || value === undefined)
      throw refusal(at, "the value is null; write one or delete the row");
    if (value instanceof Uint8Array) return this.#decode(value, row);
    if (!this.#classNames) return String(unsigned(value, this.#element));
    const name = this.#classNames[Number(value)];
    if (name !== undefined) return name;
    const count = `the file names ${grouped(this.#classNames.length)} labels, from 0 on`;
    throw refusal(at, `the label is ${value} and ${count}; correct it or delete the row`);
  }

  #decode(bytes: Uint8Array, row: number): string {
    requireOf(this.#kind === "text", "a text among numbers");
    this.#onText(bytes.length);
    try {
      return utf8.decode(bytes);
    } catch (cause) {
      const at = { file: this.#file, row, column: this.name };
      throw refusal(at, "the text is not UTF-8; write the column as strings", cause);
    }
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function requireKind(
  role: ColumnName,
  { name, children, file }: ColumnOptions,
): { element: SchemaElement; kind: Kind } {
  const [column] = children.filter(({ element }) => element.name === name);
  if (!column) throw new Error(`invariant: column ${name} was found`);
  const { element } = column;
  const isNested = column.children.length > 0 || element.repetition_type === "REPEATED";
  const kind = isNested ? undefined : kindOf(element);
  if (kind === "text" || (kind && role === "label")) return { element, kind };
  const stored = isNested ? "lists or structures" : (element.converted_type ?? element.type ?? "nothing");
  const wanted = role === "label" ? "strings, whole numbers or booleans" : "strings";
  throw refusal(
    { file, row: 1, column: name },
    `the column holds ${stored}; write ${wanted}, or say which other column is the ${role}`,
  );
}

function kindOf({ type, converted_type: converted, logical_type: logical }: SchemaElement): Kind | undefined {
  const isPlain = logical === undefined || ["STRING", "ENUM", "JSON", "INTEGER"].includes(logical.type);
  if (!isPlain) return undefined;
  if (type === "BOOLEAN") return "boolean";
  if (type === "BYTE_ARRAY")
    return !converted || ["UTF8", "ENUM", "JSON"].includes(converted) ? "text" : undefined;
  if (type !== "INT32" && type !== "INT64") return undefined;
  return !converted || /^U?INT_\d+$/.test(converted) ? "whole number" : undefined;
}

/** Stored with a sign whether it has one or not. */
function unsigned(value: number | bigint | boolean, { converted_type: type }: SchemaElement) {
  if (type === "UINT_32" && typeof value === "number") return value >>> 0;
  return type === "UINT_64" && typeof value === "bigint" ? BigInt.asUintN(64, value) : value;
}

const huggingFaceSchema = z.object({
  info: z.object({ features: z.record(z.string(), z.unknown()) }),
});
const classLabelSchema = z.object({ _type: z.literal("ClassLabel"), names: z.array(z.string()) });

/** What the Hugging Face library wrote beside the numbers; undefined where it did not. */
function classNamesOf({ key_value_metadata: pairs }: FileMetaData, column: string): string[] | undefined {
  const text = pairs?.find(({ key }) => key === "huggingface")?.value;
  if (text === undefined) return undefined;
  const written = huggingFaceSchema.safeParse(parseJson(text));
  return classLabelSchema.safeParse(written.data?.info.features[column]).data?.names;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
