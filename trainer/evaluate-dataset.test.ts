import { expect, it } from "vitest";
import type { Dataset } from "./dataset/dataset.ts";
import { evaluateDataset, TEXTS_AT_ONCE } from "./evaluate.ts";

function datasetOf(labels: readonly string[], rows: readonly (readonly [string, string])[]): Dataset {
  const examples = rows.map(([text, label], index) => ({
    input: text,
    label: labels.indexOf(label),
    row: index + 2,
  }));
  return { examples, labels, columns: { text: "text", label: "label" }, warnings: [] };
}

it("labels are matched by their text: the two sides number them differently", async () => {
  const dataset = datasetOf(
    ["bug", "praise"],
    [
      ["a", "bug"],
      ["b", "praise"],
    ],
  );
  const answer = async () => ["bug", "praise"];
  const evaluation = await evaluateDataset({ dataset, labels: ["praise", "refund", "bug"], answer });
  expect(evaluation).toMatchObject({ accuracy: 1, macroF1: 1, n: 2 });
});

it("a label that the adapter does not know counts as answered wrongly", async () => {
  const dataset = datasetOf(
    ["bug", "new"],
    [
      ["a", "bug"],
      ["b", "new"],
    ],
  );
  const evaluation = await evaluateDataset({ dataset, labels: ["bug"], answer: async () => ["bug", "bug"] });
  expect(evaluation.accuracy).toBe(0.5);
  expect(evaluation.perLabel.find(({ label }) => label === "new")).toMatchObject({ recall: 0, support: 1 });
});

it("texts go in bounded portions, in order, with progress", async () => {
  const rows = Array.from({ length: TEXTS_AT_ONCE + 1 }, (_, row) => [`${row}`, "bug"] as const);
  const sent: unknown[][] = [];
  const progress: number[] = [];
  const answer = async (inputs: readonly unknown[]) => {
    sent.push([...inputs]);
    return inputs.map(() => "bug");
  };
  const onProgress = (done: number) => void progress.push(done);
  await evaluateDataset({ dataset: datasetOf(["bug"], rows), labels: ["bug"], answer, onProgress });
  expect(sent.map(({ length }) => length)).toEqual([TEXTS_AT_ONCE, 1]);
  expect(sent.flat()).toEqual(rows.map(([text]) => text));
  expect(progress).toEqual([TEXTS_AT_ONCE, TEXTS_AT_ONCE + 1]);
});
