import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseDataset } from "./parse.ts";
import { streamRows } from "./stream-rows.ts";
import type { StreamedRow, StreamOptions } from "./streamed-row.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-rows-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function rowsOf(name: string, content: string | Uint8Array, options: Partial<StreamOptions> = {}) {
  const path = join(folder, name);
  await writeFile(path, content);
  return readAll(path, options);
}

async function readAll(path: string, options: Partial<StreamOptions> = {}): Promise<StreamedRow[]> {
  const rows: StreamedRow[] = [];
  for await (const row of streamRows(path, { columns: {}, ...options })) rows.push(row);
  return rows;
}

const seen = (rows: readonly StreamedRow[]) =>
  rows.map(({ row, text, textPair, values }) => ({ row, text, textPair, values: [...values] }));

describe("CSV", () => {
  it("every column is kept in its order, whatever is quoted, and blank lines count as rows", async () => {
    const rows = await rowsOf("a.csv", 'id,text,label\r\n1,"a, ""b""\nc",x\r\n\r\n2, d ,y\r\n');
    expect(seen(rows)).toEqual([
      {
        row: 2,
        text: 'a, "b"\nc',
        textPair: undefined,
        values: [
          ["id", "1"],
          ["text", 'a, "b"\nc'],
          ["label", "x"],
        ],
      },
      {
        row: 4,
        text: " d ",
        textPair: undefined,
        values: [
          ["id", "2"],
          ["text", " d "],
          ["label", "y"],
        ],
      },
    ]);
  });

  it.each([
    ["semicolons", "a.csv", "id;text\n1;b\n"],
    ["tabs", "a.tsv", "id\ttext\n1\tb\n"],
    ["a byte order mark", "a.csv", "\ufeffid,text\n1,b\n"],
    ["UTF-16", "a.csv", Buffer.from("\ufeffid,text\n1,b\n", "utf16le")],
  ])("%s are understood as a dataset's are", async (_, name, content) => {
    expect(seen(await rowsOf(name, content))).toMatchObject([
      {
        text: "b",
        values: [
          ["id", "1"],
          ["text", "b"],
        ],
      },
    ]);
  });

  it("the same rows are read as a dataset's, of any texts", async () => {
    const field = fc.string({ unit: fc.constantFrom("a", "ä", '"', ",", "\n", " ", "😀"), maxLength: 12 });
    const example = fc.tuple(field, fc.constantFrom("a", "b"));
    await fc.assert(
      fc.asyncProperty(fc.array(example, { minLength: 1, maxLength: 20 }), async (examples) => {
        const quoted = (text: string) => `"x${text.replaceAll('"', '""')}"`;
        const csv = `text,label\n${examples.map(([text, label]) => `${quoted(text)},${quoted(label)}\n`).join("")}`;
        const options = { fileName: "b.csv", mediaType: "text/csv", forTraining: false } as const;
        const dataset = await parseDataset(Buffer.from(csv), options);
        const rows = await rowsOf("b.csv", csv);
        expect(rows.map(({ row, text }) => ({ row, text }))).toEqual(
          dataset.examples.map(({ row, input }) => ({ row, text: input })),
        );
      }),
      { numRuns: 40 },
    );
  });

  it("a file of many pieces is read to its end, and how far is told", async () => {
    let bytes = 0;
    const lines = Array.from({ length: 30_000 }, (_, index) => `${index},"text ${index} ä"\n`);
    const content = Buffer.from(`id,text\n${lines.join("")}`);
    const rows = await rowsOf("many.csv", content, {
      onBytes: (more) => {
        bytes += more;
      },
    });
    expect(rows.length).toBe(30_000);
    expect(rows.at(-1)).toMatchObject({ row: 30_001, text: "text 29999 ä" });
    expect(bytes).toBe(content.length);
  });

  it("who stops reading ends it", async () => {
    await rowsOf("many.csv", `text\n${"a\n".repeat(300_000)}`, {});
    for await (const row of streamRows(join(folder, "many.csv"), { columns: {} })) {
      expect(row.text).toBe("a");
      break;
    }
  });

  it.each([
    ["", "the file is empty"],
    ["id,label\n1,b\n", 'column "text" missing, found "id", "label"'],
    ["text,text\na,b\n", 'names the column "text" twice'],
    ["text,id\na\n", "row 2: 1 field where the header has 2"],
    ['text\n"a\n', "row 2, column"],
    [`text\n${"a".repeat(1_100_000)}\n`, "row 2: this row is longer than 1024 KiB"],
    ['{"text":"a"}\n', "looks like JSON lines"],
    [Buffer.from([0x74, 0x65, 0x78, 0x74, 0x0a, 0xe4, 0x0a]), "not UTF-8"],
    [Buffer.from("504b030400", "hex"), "Excel"],
  ])("%j is refused, and why is said", async (content, message) => {
    await expect(rowsOf("bad.csv", content)).rejects.toMatchObject({
      code: "invalid_dataset",
      publicMessage: expect.stringContaining(message),
    });
  });
});

describe("JSON lines", () => {
  it("every value is kept as it is, and rows need not be alike", async () => {
    const rows = await rowsOf("a.jsonl", '{"id":1,"text":"a"}\n\n{"text":"b","tags":["x"],"__proto__":2}');
    expect(seen(rows)).toEqual([
      {
        row: 1,
        text: "a",
        textPair: undefined,
        values: [
          ["id", 1],
          ["text", "a"],
        ],
      },
      {
        row: 3,
        text: "b",
        textPair: undefined,
        values: [
          ["text", "b"],
          ["tags", ["x"]],
          ["__proto__", 2],
        ],
      },
    ]);
  });

  it("pairs are read by their usual names, or not where the text is named", async () => {
    const pair = '{"premise":"a","hypothesis":"b"}\n';
    expect(await rowsOf("a.jsonl", pair)).toMatchObject([{ text: "a", textPair: "b" }]);
    const named = await rowsOf("a.jsonl", pair, { columns: { text: "hypothesis" } });
    expect(named).toMatchObject([{ text: "b", textPair: undefined }]);
  });

  it.each([
    ['{"text":"a"}\n[1]\n', "row 2: this line is an array"],
    ['{"text":3}\n', "the value is of type number"],
    [`{"text":"${"a".repeat(1_100_000)}"}\n`, "row 1: this line is longer than 1024 KiB"],
    ["\n\n", "the file is empty"],
  ])("%j is refused, and why is said", async (content, message) => {
    await expect(rowsOf("bad.jsonl", content)).rejects.toMatchObject({
      publicMessage: expect.stringContaining(message),
    });
  });
});

describe("Parquet", () => {
  const fixture = (name: string) =>
    fileURLToPath(new URL(`../../test/fixtures/parquet/${name}.parquet`, import.meta.url));

  it("the texts are read, and the labels are not looked at", async () => {
    const [first] = await readAll(fixture("snappy"));
    expect([...(first?.values.keys() ?? [])]).toEqual(["text"]);
    expect((await readAll(fixture("null-label"))).length).toBeGreaterThan(0);
    expect(await readAll(fixture("pairs"))).toMatchObject([
      { row: 1, textPair: expect.any(String) },
      {},
      {},
      {},
      {},
      {},
      {},
      {},
    ]);
  });
});

it("another kind of file is refused", () => {
  expect(() => streamRows("a.xlsx", { columns: {} })).toThrow(
    "name the file .csv, .tsv, .ndjson, .jsonl or .parquet",
  );
});
