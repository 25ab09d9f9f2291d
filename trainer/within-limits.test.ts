import { beforeAll, expect, it, vi } from "vitest";
import { type Backbone, parseBackbone } from "#model";
import { makeTickets } from "../test/helpers/tickets.ts";
import { makeTinyBackbone } from "../test/helpers/tiny-backbone.ts";
import { type Dataset, EXAMPLES_LEARNED_MAX, EXAMPLES_VALIDATED_MAX } from "./dataset/dataset.ts";
import { train } from "./train.ts";
import { withinLimits } from "./within-limits.ts";

/** What the limits are taken for, where a test lowers them: a training at the true ones takes minutes. */
const lowered = vi.hoisted(() => ({ most: Number.POSITIVE_INFINITY }));
vi.mock("./dataset/sample-examples.ts", async (importOriginal) => {
  const original = await importOriginal<typeof import("./dataset/sample-examples.ts")>();
  const sampleExamples: typeof original.sampleExamples = (examples, { most, seed }) =>
    original.sampleExamples(examples, { most: Math.min(most, lowered.most), seed });
  return { ...original, sampleExamples };
});

let backbone: Backbone;
beforeAll(() => {
  backbone = parseBackbone("tiny", makeTinyBackbone());
});

function datasetOf(rows: number): Dataset {
  const examples = Array.from({ length: rows }, (_, row) => ({ input: `text ${row}`, label: row % 3, row }));
  return { examples, labels: ["a", "b", "c"], columns: { text: "text", label: "label" }, warnings: [] };
}

it("a million examples become as many as a training holds, and as many validation rows as it answers", () => {
  const validation = { dataset: datasetOf(100_000), fileName: "validation.csv" };
  const limited = withinLimits({ backbone, dataset: datasetOf(1_000_000), validation, options: { seed: 1 } });
  expect(limited.dataset.examples.length).toBeGreaterThan(EXAMPLES_LEARNED_MAX - 3);
  expect(limited.dataset.examples.length).toBeLessThanOrEqual(EXAMPLES_LEARNED_MAX);
  expect(limited.validation?.dataset.examples.length).toBeGreaterThan(EXAMPLES_VALIDATED_MAX - 3);
  expect(limited.validation?.dataset.examples.length).toBeLessThanOrEqual(EXAMPLES_VALIDATED_MAX);
  expect(limited.sampledFrom).toBe(1_000_000);
});

it("as many as the limit are left as they are", () => {
  const dataset = datasetOf(EXAMPLES_LEARNED_MAX);
  const limited = withinLimits({ backbone, dataset, options: { seed: 1 } });
  expect(limited.dataset.examples).toBe(dataset.examples);
  expect(limited).not.toHaveProperty("sampledFrom");
});

it("a training of drawn examples is deterministic, and its report says how many there were", async () => {
  const { rows, labels } = makeTickets({ seed: 1, rowsPerLabel: 40 });
  const examples = rows.map(({ text, label }, row) => ({ input: text, label: labels.indexOf(label), row }));
  const dataset = { examples, labels, columns: { text: "text", label: "label" }, warnings: [] };
  lowered.most = 60;
  const run = () => train({ backbone, dataset, options: { seed: 3, epochs: 1 }, threads: 1 });
  const [one, again] = [await run(), await run()];
  lowered.most = Number.POSITIVE_INFINITY;
  expect(one.report).toMatchObject({ examples: 60, sampledFrom: 120, classes: 3 });
  expect(again.adapter).toEqual(one.adapter);
});
