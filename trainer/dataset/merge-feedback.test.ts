import { describe, expect, it } from "vitest";
import type { Dataset } from "./dataset.ts";
import { mergeFeedback } from "./merge-feedback.ts";
import { parseDataset } from "./parse.ts";

const csv = (rows: string) => new TextEncoder().encode(rows);
const read = (rows: string, fileName = "a.csv"): Promise<Dataset> =>
  parseDataset(csv(rows), { fileName, mediaType: "text/csv", forTraining: false });

const linesOf = ({ lines }: { lines: Uint8Array }) =>
  new TextDecoder()
    .decode(lines)
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);

describe("a dataset with feedback", () => {
  it("has the dataset's rows first, then the feedback that it did not have", async () => {
    const merged = mergeFeedback(await read("text,label\na,no\nb,yes\n"), [{ text: "c", label: "yes" }]);
    expect(linesOf(merged)).toEqual([
      { text: "a", label: "no" },
      { text: "b", label: "yes" },
      { text: "c", label: "yes" },
    ]);
    expect(merged).toMatchObject({ rowsBefore: 2, added: 1, replaced: 0, known: 0, outdated: 0, unfit: 0 });
  });

  it("has the feedback's label where the dataset gives the same text another, in every row of it", async () => {
    const merged = mergeFeedback(await read("text,label\na,no\nb,yes\na,no\n"), [
      { text: "a", label: "yes" },
    ]);
    expect(linesOf(merged)).toEqual([
      { text: "b", label: "yes" },
      { text: "a", label: "yes" },
    ]);
    expect(merged).toMatchObject({ rowsBefore: 1, added: 1, replaced: 2 });
  });

  it("has the newest of several on the same text", async () => {
    const merged = mergeFeedback(await read("text,label\na,no\nb,yes\n"), [
      { text: "c", label: "yes" },
      { text: "c", label: "no" },
    ]);
    expect(linesOf(merged).at(-1)).toEqual({ text: "c", label: "yes" });
    expect(merged).toMatchObject({ added: 1, outdated: 1 });
  });

  it("does not have twice what the dataset says already", async () => {
    const merged = mergeFeedback(await read("text,label\na,no\nb,yes\n"), [{ text: "a", label: "no" }]);
    expect(merged).toMatchObject({ rowsBefore: 2, added: 0, replaced: 0, known: 1 });
  });

  it("leaves out labels that the dataset lacks, and pairs where it has single texts", async () => {
    const merged = mergeFeedback(await read("text,label\na,no\nb,yes\n"), [
      { text: "c", label: "maybe" },
      { text: "c", textPair: "d", label: "yes" },
    ]);
    expect(merged).toMatchObject({ rowsBefore: 2, added: 0, unfit: 2 });
  });

  it("of pairs keeps pairs, and compares both texts", async () => {
    const merged = mergeFeedback(await read("text,text_pair,label\na,b,no\na,c,yes\n"), [
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
    const merged = mergeFeedback(await read("text,label\na,no\nb,yes\n"), [{ text, label: "yes" }]);
    const again = await parseDataset(merged.lines, {
      fileName: "a.ndjson",
      mediaType: "application/x-ndjson",
      forTraining: false,
    });
    expect(again.examples.at(-1)).toEqual({ input: text, label: 1, row: merged.rowsBefore + 1 });
  });
});
