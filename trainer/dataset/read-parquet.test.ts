// The files are pyarrow's own; see test/fixtures/parquet/make_parquet.py. Hostile ones are made of these.
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TrainerError } from "../errors.ts";
import { DATASET_BYTES_MAX } from "./dataset.ts";
import { requireRuns } from "./parquet-runs.ts";
import { type ParseOptions, parseDataset } from "./parse.ts";
import { unpackSnappy } from "./unpack-snappy.ts";

const FILE = { fileName: "reviews.parquet", mediaType: "application/vnd.apache.parquet" } as const;
const fixture = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../test/fixtures/parquet/${name}.parquet`, import.meta.url)));
const parse = (bytes: Uint8Array, options: Partial<ParseOptions> = {}) =>
  parseDataset(bytes, { ...FILE, ...options });

async function refused(bytes: Uint8Array, options: Partial<ParseOptions> = {}): Promise<TrainerError> {
  const error = await parse(bytes, options).catch((thrown: unknown) => thrown);
  if (error instanceof TrainerError) return error;
  throw error instanceof Error ? error : new Error("the dataset was accepted");
}

const examples = Array.from({ length: 8 }, (_, index) => ({
  input: `text ${index}`,
  label: index < 4 ? 1 : 0,
  row: index + 1,
}));

describe("a file of pyarrow is read", () => {
  it.each([
    ...["none", "snappy", "zstd", "gzip", "brotli"],
    ...["version-2-pages", "groups", "categorical", "large-strings", "required", "class-label"],
  ])("%s", async (name) => {
    const dataset = await parse(fixture(name));
    expect(dataset.examples).toEqual(examples);
    expect(dataset.labels).toEqual(["bad", "good"]);
    expect(dataset.columns).toEqual({ text: "text", label: "label" });
  });

  it.each(["snappy", "zstd", "gzip", "brotli"])("with texts long enough for %s to pack", async (name) => {
    const dataset = await parse(fixture(`long-${name}`));
    const inputs = examples.map(({ input }) => input + " and so on".repeat(50));
    expect(dataset.examples.map(({ input }) => input)).toEqual(inputs);
  });

  it("of many pages, which end in other rows in each column", async () => {
    const dataset = await parse(fixture("pages"));
    const inputs = dataset.examples.map(({ input, label }) => ({ input, label }));
    expect(inputs).toEqual(
      Array.from({ length: 40 }, () => examples.map(({ input, label }) => ({ input, label }))).flat(),
    );
    expect(dataset.examples.at(-1)?.row).toBe(320);
  });

  it.each([
    ["whole-numbers", ["0", "1"]],
    ["small-numbers", ["0", "200"]],
    ["booleans", ["false", "true"]],
    ["booleans-version-2", ["false", "true"]],
  ])("with labels that are %s", async (name, labels) => {
    const dataset = await parse(fixture(name));
    expect(dataset.labels).toEqual(labels);
    expect(dataset.examples).toEqual(examples);
  });

  it("with columns by their usual names, or as named", async () => {
    const { examples: pairs, warnings } = await parse(fixture("pairs"));
    expect(pairs[2]?.input).toEqual({ text: "one", textPair: "text 2" });
    expect(warnings.map(({ code }) => code)).toContain("columns_guessed");
    const single = await parse(fixture("pairs"), { columns: { text: "hypothesis" } });
    expect(single.examples).toEqual(examples);
  });

  it("with its unused columns named", async () => {
    const { warnings } = await parse(fixture("version-2-pages"));
    expect(warnings).toContainEqual({ code: "extra_columns", message: '1 column not used: "id".' });
  });
});

describe("refusals", () => {
  it.each([
    ["null-text", 6, "text", "the value is null; write one or delete the row"],
    ["null-label", 3, "label", "the value is null"],
    ["null-label-version-2", 3, "label", "the value is null"],
    ["class-label-unknown", 8, "label", "the label is -1 and the file names 2 labels, from 0 on"],
    ["floats", 1, "label", "the column holds DOUBLE; write strings, whole numbers or booleans"],
    ["dates", 1, "label", "the column holds DATE"],
    ["number-texts", 1, "text", "the column holds INT64; write strings"],
    ["lists", 1, "text", "the column holds lists or structures"],
    ["bytes", 2, "text", "the text is not UTF-8"],
    ["delta", 1, "text", "DELTA_BYTE_ARRAY, which is not read; write it with plain or dictionary"],
    ["lz4", 1, "text", "packed by LZ4_RAW, which is not read; write it with one of SNAPPY, ZSTD"],
    ["empty", undefined, undefined, "no rows"],
  ])("%s, in row %s and column %s", async (name, row, column, says) => {
    const error = await refused(fixture(name));
    expect(error.code).toBe("invalid_dataset");
    expect(error.at).toEqual({ file: FILE.fileName, row, column });
    expect(error.publicMessage).toContain(says);
    expect(error.publicMessage).toMatch(/^reviews\.parquet[^\n]*[^.]\.$/);
  });

  it("a column that is not there, with those that are", async () => {
    const error = await refused(fixture("none"), { columns: { label: "stars" } });
    expect(error.publicMessage).toContain(
      'no column "stars" to read as label; the columns are "text", "label"',
    );
  });

  it("what is no Parquet file, and half of one", async () => {
    expect((await refused(Buffer.from("text,label\na,b"))).publicMessage).toContain("not a Parquet file");
    expect((await refused(fixture("none").subarray(0, 300))).publicMessage).toContain("cut short");
    expect((await refused(Buffer.from("PAR1PAR1"))).publicMessage).toContain("cut short");
    expect((await refused(new Uint8Array())).publicMessage).toContain("not a Parquet file");
  });
});

describe("a hostile file", () => {
  it("whose footer says it is larger than the file, or than is read", async () => {
    const bytes = fixture("none");
    new DataView(bytes.buffer).setUint32(bytes.length - 8, 2 ** 31 - 1, true);
    expect((await refused(bytes)).publicMessage).toContain("a footer longer than the file");
    const large = new Uint8Array(4 * 2 ** 20);
    large.set(Buffer.from("PAR1"));
    large.set(Buffer.from("PAR1"), large.length - 4);
    new DataView(large.buffer).setUint32(large.length - 8, 3 * 2 ** 20, true);
    expect((await refused(large)).publicMessage).toContain("a footer of more than 2048 KiB");
  });

  it("with any byte changed is read, or refused with a TrainerError, in little time and memory", async () => {
    const names = ["none", "snappy", "version-2-pages", "booleans-version-2", "null-label", "pages"];
    const files = names.map(fixture);
    const change = fc.record({
      file: fc.constantFrom(...files),
      at: fc.nat(),
      to: fc.constantFrom(0, 1, 127, 128, 255),
    });
    await fc.assert(
      fc.asyncProperty(change, fc.nat(), async ({ file, at, to }, other) => {
        const bytes = file.slice();
        for (const index of [at, at + 1, other]) bytes[index % bytes.length] = to;
        const error = await parse(bytes).catch((thrown: unknown) => thrown);
        if (error instanceof Error) expect(error).toBeInstanceOf(TrainerError);
      }),
      { numRuns: 3_000 },
    );
    expect(process.resourceUsage().maxRSS).toBeLessThan(1_000_000);
  });

  it("whose runs hold more values than their page is refused before they are written", () => {
    const run =
      (...bytes: number[]) =>
      () =>
        requireRuns(Uint8Array.from(bytes), { width: 1, count: 8 });
    expect(run(8 << 1, 1)).not.toThrow();
    expect(run((1 << 1) | 1, 0xff)).not.toThrow();
    expect(run(9 << 1, 1)).toThrow("a run of 9 values in a page of 8");
    expect(run(0xfe, 0xff, 0xff, 0xff, 0x07, 1)).toThrow(/a run of \d{9,} values in a page of 8/);
    expect(run(4 << 1, 1)).toThrow("cut short");
  });

  it("of one long text for thousands of rows is refused before all of them are strings", async () => {
    const bytesMax = 256 * 2 ** 20;
    const error = await refused(fixture("repeated"), { forTraining: false, bytesMax });
    expect(error.code).toBe("dataset_too_large");
    expect(error.publicMessage).toContain("256 MiB once unpacked");
  });

  it("that unpacks to more than a file may have is refused before it is unpacked", async () => {
    const error = await refused(withFirstPage(DATASET_BYTES_MAX + 1));
    expect(error.code).toBe("dataset_too_large");
    expect(error.publicMessage).toContain("1024 MiB once unpacked");
  });

  it("of a page too large to be in memory is refused before it is unpacked", async () => {
    const error = await refused(withFirstPage(128 * 2 ** 20 + 1));
    expect(error.code).toBe("invalid_dataset");
    expect(error.publicMessage).toContain("a page of more than 128 MiB");
  });

  /** A file whose first page says that it is so large once it is unpacked. */
  function withFirstPage(unpackedBytes: number): Buffer {
    const bytes = fixture("zstd");
    // The page's header: field 1, its type; field 2, its size unpacked, as a zigzag varint.
    const size = Buffer.alloc(5);
    let left = 2 * unpackedBytes;
    for (let index = 0; index < 5; index++, left = Math.floor(left / 128))
      size[index] = (left % 128) | (index < 4 ? 0x80 : 0);
    expect([...bytes.subarray(4, 9)]).toEqual([0x15, 0x04, 0x15, 0xa0, 0x01]);
    return Buffer.concat([bytes.subarray(0, 7), size, bytes.subarray(9)]);
  }
});

describe("snappy", () => {
  it("refuses what is longer, shorter or points before its start", () => {
    const text = (from: string) => Buffer.from(from);
    expect(Buffer.from(unpackSnappy(Uint8Array.of(3, 2 << 2, ...text("abc")), 3)).toString()).toBe("abc");
    // "ab", then six bytes from two back.
    const copies = Uint8Array.of(8, 1 << 2, ...text("ab"), (5 << 2) | 2, 2, 0);
    expect(Buffer.from(unpackSnappy(copies, 8)).toString()).toBe("abababab");
    expect(() => unpackSnappy(copies, 7)).toThrow(RangeError);
    expect(() => unpackSnappy(copies, 9)).toThrow(RangeError);
    expect(() => unpackSnappy(Uint8Array.of(6, (5 << 2) | 2, 1, 0), 6)).toThrow(RangeError);
    expect(() => unpackSnappy(Uint8Array.of(3, 63 << 2, 0xff, 0xff, 0xff, 0xff), 3)).toThrow(RangeError);
  });
});
