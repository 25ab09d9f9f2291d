// Datasets in files, which are read as datasets in memory are and never whole; and files that come from elsewhere.
import { randomBytes } from "node:crypto";
import { mkdtemp, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { TrainerError } from "../errors.ts";
import { openContent } from "./content.ts";
import { openText } from "./decode-text.ts";
import { inspectDataset } from "./inspect.ts";
import { type ParseOptions, parseDataset } from "./parse.ts";
import { CsvRowCounter } from "./read-csv.ts";
import { readSample, sampleExamples } from "./sample-examples.ts";
import { spoolContent } from "./spool-content.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-content-"));
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => rm(folder, { recursive: true }));

async function withFile<Result>(
  bytes: Uint8Array,
  work: (file: Awaited<ReturnType<typeof open>>) => Promise<Result>,
) {
  const path = join(folder, "content");
  await writeFile(path, bytes);
  const file = await open(path);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

/** Longer than a piece, with letters of two, three and four bytes, so that pieces end within letters. */
function manyRows(rows: number): string[] {
  return Array.from({ length: rows }, (_, row) => `Zeile ${row} ${"äß€𝄞".repeat(row % 40)}`);
}

const texts = manyRows(6_000);
const label = (row: number) => (row % 3 === 0 ? "ja" : "nein");
const csv = `text,label\n${texts.map((text, row) => `"${text}, ""so""\n",${label(row)}\n`).join("")}`;
const ndjson = texts.map((text, row) => `${JSON.stringify({ text, label: label(row) })}\n`).join("");
const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(csv, "utf16le")]);
const marked = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(csv)]);
const parquet = await readFile(new URL("../../test/fixtures/parquet/pages.parquet", import.meta.url));

const files: [string, Uint8Array, ParseOptions][] = [
  ["CSV", Buffer.from(csv), { fileName: "a.csv", mediaType: "text/csv" }],
  ["CSV with a byte order mark", marked, { fileName: "a.csv", mediaType: "text/csv" }],
  ["CSV in UTF-16", utf16, { fileName: "a.csv", mediaType: "text/csv" }],
  ["JSON lines", Buffer.from(ndjson), { fileName: "a.ndjson", mediaType: "application/x-ndjson" }],
  ["Parquet", parquet, { fileName: "a.parquet", mediaType: "application/vnd.apache.parquet" }],
];

describe.each(files)("a file of %s", (_, bytes, options) => {
  it("is read as its bytes in memory are, with its texts and without", async () => {
    const inMemory = await parseDataset(bytes, options);
    const { examples, ...rest } = inMemory;
    expect(examples.length).toBeGreaterThan(7);
    await withFile(bytes, async (file) => {
      expect(await parseDataset(file, options)).toEqual(inMemory);
      expect(await inspectDataset(file, options)).toEqual({ ...rest, rows: examples.length });
    });
  });

  it("gives, of more rows than are wanted, those that are drawn of all its examples", async () => {
    const inMemory = await parseDataset(bytes, options);
    const limit = { most: 100, seed: 7 };
    const sample = await withFile(bytes, (file) => readSample(file, { ...options, limit }));
    expect(sample.examples).toEqual(sampleExamples(inMemory.examples, limit));
    const isSampled = inMemory.examples.length > limit.most;
    expect(sample.sampledFrom).toBe(isSampled ? inMemory.examples.length : undefined);
    expect(sample.labels).toEqual(inMemory.labels);
  });
});

describe("bytes that are no UTF-8", () => {
  const HEADER = "text,label\n";
  const ROW = "text of 16,yes1\n";
  const plain = HEADER + ROW.repeat(40_000);

  it.each([
    ["at the end of a piece", 256 * 1024 - 1],
    ["at the start of the next", 256 * 1024],
    ["at the end of the file", plain.length - 1],
  ])("%s are named by their place and row", async (_, at) => {
    const bytes = Buffer.from(plain);
    bytes[at] = 0xff;
    const error = await withFile(bytes, (file) =>
      inspectDataset(file, { fileName: "a.csv", mediaType: "text/csv" }).catch((thrown) => thrown),
    );
    expect(error).toBeInstanceOf(TrainerError);
    expect(error.publicMessage).toContain(`byte ${at.toLocaleString("en-US")} (0xff) is not UTF-8`);
    expect(error.at.row).toBe(2 + Math.floor((at - HEADER.length) / ROW.length));
  });

  it("and end within a letter are named by its first byte", async () => {
    const error = await parseDataset(Buffer.from("text,label\na,é").subarray(0, -1), {
      ...{ fileName: "a.csv", mediaType: "text/csv" },
    }).catch((thrown) => thrown);
    expect(error.publicMessage).toContain("byte 13 (0xc3) is not UTF-8");
  });
});

it("others have the event loop while an encoding is checked of what is in memory", async () => {
  let turns = 0;
  const turn = () => {
    turns += 1;
    next = setImmediate(turn);
  };
  let next = setImmediate(turn);
  const content = await openContent(Buffer.alloc(4 * 1024 * 1024, "a"));
  await openText(content, "a.csv", () => new CsvRowCounter());
  clearImmediate(next);
  expect(turns).toBeGreaterThanOrEqual(8);
});

describe("what comes in parts", () => {
  async function* partsOf(...parts: (Uint8Array | Error)[]): AsyncGenerator<Uint8Array> {
    for (const part of parts) {
      if (part instanceof Error) throw part;
      yield part;
    }
  }
  const useOwnFolder = async () => {
    const own = await mkdtemp(join(folder, "tmp-"));
    vi.stubEnv("TMPDIR", own);
    return own;
  };

  it("becomes a file that has no name, so that nothing of it outlives the process", async () => {
    const own = await useOwnFolder();
    const parts = [randomBytes(300_000), randomBytes(1), new Uint8Array(), randomBytes(70_000)];
    const file = await spoolContent(partsOf(...parts));
    try {
      expect(await readdir(own)).toEqual([]);
      const { bytes, read } = await openContent(file);
      expect(bytes).toBe(370_001);
      expect((await read(0, bytes)).equals(Buffer.concat(parts))).toBe(true);
      expect((await read(299_999, 3)).equals(Buffer.concat(parts).subarray(299_999, 300_002))).toBe(true);
      expect((await read(bytes, 1)).length).toBe(0);
    } finally {
      await file.close();
    }
  });

  it("and ends in an error leaves nothing open or behind", async () => {
    const own = await useOwnFolder();
    const openBefore = await descriptors();
    await expect(spoolContent(partsOf(randomBytes(10), new Error("cut off")))).rejects.toThrow("cut off");
    expect(await readdir(own)).toEqual([]);
    expect(await descriptors()).toBe(openBefore);
  });

  it("and has no room is refused with the folder to change", async () => {
    vi.stubEnv("TMPDIR", join(folder, "nowhere"));
    await expect(spoolContent(partsOf(randomBytes(1)))).rejects.toMatchObject({
      code: "scratch_full",
      publicMessage: expect.stringContaining("nowhere"),
    });
  });

  async function descriptors(): Promise<number | undefined> {
    if (process.platform !== "linux") return undefined;
    return (await readdir("/proc/self/fd")).length;
  }
});

it("a file that becomes shorter while it is read gives what is left of it", async () => {
  await withFile(Buffer.from(csv), async (file) => {
    const { read } = await openContent(file);
    await writeFile(join(folder, "content"), "text");
    expect((await read(0, 100)).toString()).toBe("text");
  });
});
