import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { openContent } from "./content.ts";
import { inspectDataset } from "./inspect.ts";
import { type Feedback, mergeFeedback } from "./merge-feedback.ts";
import { type DatasetMediaType, parseDataset } from "./parse.ts";

interface Given {
  readonly fileName?: string;
  readonly mediaType?: DatasetMediaType;
  readonly bytesMax?: number;
}

async function merge(rows: string, feedback: readonly Feedback[], given: Given = {}) {
  const { bytesMax = 2 ** 20, ...named } = { fileName: "a.csv", mediaType: "text/csv" as const, ...given };
  const dataset = { ...named, content: new TextEncoder().encode(rows) };
  const { columns, labels } = await inspectDataset(dataset.content, { ...named, forTraining: false });
  const merged = await mergeFeedback({ ...dataset, columns, labels }, feedback, { bytesMax });
  const { content, ...told } = merged;
  try {
    const { bytes: size, read } = await openContent(content);
    return { ...told, bytes: await read(0, size) };
  } finally {
    await content.close();
  }
}

const linesOf = ({ bytes }: { bytes: Buffer }) =>
  bytes
    .toString()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);

describe("a dataset with feedback", () => {
  it("has the dataset's rows first, then the feedback that it did not have", async () => {
    const merged = await merge("text,label\na,no\nb,yes\n", [{ text: "c", label: "yes" }]);
    expect(linesOf(merged)).toEqual([
      { text: "a", label: "no" },
      { text: "b", label: "yes" },
      { text: "c", label: "yes" },
    ]);
    expect(merged).toMatchObject({ rowsBefore: 2, added: 1, replaced: 0, known: 0, outdated: 0, unfit: 0 });
  });

  it("has the feedback's label where the dataset gives the same text another, in every row of it", async () => {
    const merged = await merge("text,label\na,no\nb,yes\na,no\n", [{ text: "a", label: "yes" }]);
    expect(linesOf(merged)).toEqual([
      { text: "b", label: "yes" },
      { text: "a", label: "yes" },
    ]);
    expect(merged).toMatchObject({ rowsBefore: 1, added: 1, replaced: 2 });
  });

  it("has the newest of several on the same text", async () => {
    const merged = await merge("text,label\na,no\nb,yes\n", [
      { text: "c", label: "yes" },
      { text: "c", label: "no" },
    ]);
    expect(linesOf(merged).at(-1)).toEqual({ text: "c", label: "yes" });
    expect(merged).toMatchObject({ added: 1, outdated: 1 });
  });

  it("does not have twice what the dataset says already, whatever spaces stand around its label", async () => {
    const merged = await merge("text,label\na, no \nb,yes\n", [{ text: "a", label: "no" }]);
    expect(linesOf(merged)[0]).toEqual({ text: "a", label: "no" });
    expect(merged).toMatchObject({ rowsBefore: 2, added: 0, replaced: 0, known: 1 });
  });

  it("leaves out labels that the dataset lacks, and pairs where it has single texts", async () => {
    const merged = await merge("text,label\na,no\nb,yes\n", [
      { text: "c", label: "maybe" },
      { text: "c", textPair: "d", label: "yes" },
    ]);
    expect(merged).toMatchObject({ rowsBefore: 2, added: 0, unfit: 2 });
  });

  it("of pairs keeps pairs, and compares both texts", async () => {
    const merged = await merge("text,text_pair,label\na,b,no\na,c,yes\n", [
      { text: "a", textPair: "b", label: "yes" },
      { text: "a", label: "yes" },
    ]);
    expect(linesOf(merged)).toEqual([
      { text: "a", text_pair: "c", label: "yes" },
      { text: "a", text_pair: "b", label: "yes" },
    ]);
    expect(merged).toMatchObject({ replaced: 1, added: 1, unfit: 1 });
  });

  it("is read again as it was written, with line breaks and quotes", async () => {
    const text = 'a "quoted"\nline \u2028 語';
    const merged = await merge("text,label\na,no\nb,yes\n", [{ text, label: "yes" }]);
    const again = await parseDataset(merged.bytes, {
      fileName: "a.ndjson",
      mediaType: "application/x-ndjson",
      forTraining: false,
    });
    expect(again.examples.at(-1)).toEqual({ input: text, label: 1, row: merged.rowsBefore + 1 });
  });

  it.each([
    ["CSV", { fileName: "a.csv", mediaType: "text/csv" }, (row: object) => Object.values(row).join(",")],
    ["JSON lines", { fileName: "a.ndjson", mediaType: "application/x-ndjson" }, JSON.stringify],
  ] as const)("of many pieces of %s has every row once, in their order", async (_, named, write) => {
    const rows = Array.from({ length: 3_000 }, (_, row) => ({
      text: `${row} ${"word ".repeat(row % 100)}end`,
      label: row % 2 ? "no" : "yes",
    }));
    const header = named.mediaType === "text/csv" ? "text,label\n" : "";
    const file = header + rows.map((row) => `${write(row)}\n`).join("");
    expect(file.length).toBeGreaterThan(2 * 256 * 1024);
    const merged = await merge(file, [{ text: "0 end", label: "no" }], named);
    expect(linesOf(merged)).toEqual([...rows.slice(1), { text: "0 end", label: "no" }]);
    expect(merged).toMatchObject({ rowsBefore: 2_999, added: 1, replaced: 1 });
    expect(merged.sha256).toBe(createHash("sha256").update(merged.bytes).digest("hex"));
  });

  it("that is larger than it may be is refused with what to do, and leaves no file open", async () => {
    const openBefore = await descriptors();
    const rows = `text,label\n${"a,no\nb,yes\n".repeat(20_000)}`;
    await expect(merge(rows, [{ text: "c", label: "yes" }])).rejects.toMatchObject({
      code: "dataset_too_large",
      publicMessage: expect.stringContaining(
        "1 MiB, the limit of a retraining; add the feedback to the file",
      ),
    });
    expect(await descriptors()).toBe(openBefore);
  });

  async function descriptors(): Promise<number | undefined> {
    if (process.platform !== "linux") return undefined;
    return (await readdir("/proc/self/fd")).length;
  }
});
