import { beforeAll, describe, expect, test } from "vitest";
import {
  type Adapter,
  type Backbone,
  isLowRank,
  isPromptGenerator,
  parseBackbone,
  roundToHalf,
  serializeAdapter,
  weightsOfInsertion,
} from "#model";
import { must } from "#model/graph";
import { type Classification, createClassifier } from "#model/runtime";
import { makeTickets } from "../test/helpers/tickets.ts";
import { makeTinyBackbone } from "../test/helpers/tiny-backbone.ts";
import type { Dataset } from "./dataset/dataset.ts";
import { FrozenEncoder } from "./frozen-encoder.ts";
import { fitLogisticRegression } from "./head/fit-logistic-regression.ts";
import { headLogits } from "./head/head-logits.ts";
import type { TrainOptions } from "./options.ts";
import { GATE_HISTORY_MAX, LOSS_HISTORY_MAX, type TrainingProgress } from "./report.ts";
import { InsertionTuner } from "./spt/tune-insertions.ts";
import { type TrainResult, train } from "./train.ts";

const LAYERS = 3;
const trained = makeTickets({ seed: 1, rowsPerLabel: 12 });
const heldOut = makeTickets({ seed: 2, rowsPerLabel: 20 });

const EVERYWHERE = [0, 1, 2].map((layer) => ({ kind: "scale_shift", layer }));

let backbone: Backbone;
let progress: TrainingProgress[];
let first: TrainResult;

function datasetOf({ labels, rows }: typeof trained): Dataset {
  const examples = rows.map(({ text, label }, index) => ({
    input: text,
    label: labels.indexOf(label),
    row: index + 2,
  }));
  return { examples, labels, columns: { text: "text", label: "label" }, warnings: [] };
}

const trainWith = (options: TrainOptions, more: { onProgress?: (progress: TrainingProgress) => void } = {}) =>
  train({ backbone, dataset: datasetOf(trained), options, threads: 1, ...more });

const bytesOf = ({ adapter }: TrainResult) => serializeAdapter(adapter, backbone);

async function classifyAll({ rows }: typeof trained, adapter: Adapter): Promise<Classification[]> {
  const classifier = await createClassifier(backbone, { threads: 1, precision: "fp32" });
  try {
    const texts = rows.map(({ text }) => text);
    return await classifier.classify({ tenant: "a", digest: "a", load: async () => adapter }, texts);
  } finally {
    await classifier.close();
  }
}

async function accuracyOn(tickets: typeof trained, { adapter }: TrainResult): Promise<number> {
  const results = await classifyAll(tickets, adapter);
  const hits = results.filter(({ scores_C, labels }, row) => {
    const best = scores_C.indexOf(Math.max(...scores_C));
    return labels[best] === tickets.rows[row]?.label;
  });
  return hits.length / tickets.rows.length;
}

/** Of logistic regression on the frozen vectors of the training rows, on the held-out ones. */
async function probeAccuracy(): Promise<number> {
  const frozen = await FrozenEncoder.create(backbone, { threads: 1 });
  const featuresOf = ({ rows }: typeof trained) =>
    frozen.features(rows.map(({ text }) => backbone.tokenizer.encode(text)));
  const [learned, held] = [await featuresOf(trained), await featuresOf(heldOut)];
  await frozen.close();
  const classOf = ({ label }: { label: string }) => trained.labels.indexOf(label);
  const { width } = backbone.config;
  const labels = trained.rows.map(classOf);
  const probe = await fitLogisticRegression({ features_BD: learned, labels, width, classes: 3 });
  const logits = headLogits(probe, held, width);
  const hits = heldOut.rows.filter((row, index) => {
    const own = logits.subarray(3 * index, 3 * index + 3);
    return own.indexOf(Math.max(...own)) === classOf(row);
  });
  return hits.length / heldOut.rows.length;
}

beforeAll(async () => {
  backbone = parseBackbone("tiny", makeTinyBackbone({ layers: LAYERS }));
  progress = [];
  first = await trainWith({ seed: 7, method: "spt" }, { onProgress: (step) => progress.push(step) });
});

describe("train", () => {
  test("of a separable dataset makes an adapter right on 9 of 10 held-out rows, where chance is a third", async () => {
    expect(await accuracyOn(heldOut, first)).toBeGreaterThanOrEqual(0.9);
  });

  test("of the same seed gives the same adapter bytes", async () => {
    const again = await trainWith({ seed: 7, method: "spt" });
    expect(bytesOf(again)).toEqual(bytesOf(first));
  });

  test("on feedback compares on the held-out rows with what is learned without, and makes the same adapter", async () => {
    const { rows, labels } = trained;
    // One label is known by feedback alone.
    const isFeedback = (label: string) => label === labels[0];
    const before = rows.filter(({ label }) => !isFeedback(label));
    const after = rows.filter(({ label }) => isFeedback(label));
    const dataset = datasetOf({ ...trained, rows: [...before, ...after] });
    // The header of a CSV is row 1.
    const retraining = { version: 4, rowsBefore: before.length + 1 };
    const request = { backbone, dataset, options: { seed: 7, epochs: 2 }, threads: 1 };
    const compared = await train({ ...request, retraining });
    const { comparison, heldOut: held } = compared.report;
    expect(comparison).toMatchObject({
      ...{ version: 4, n: rows.length },
      candidate: { accuracy: held.accuracy, macroF1: held.macroF1 },
      onFeedback: { n: after.length },
    });
    expect(comparison?.onFeedback?.production).toBe(0);
    expect(comparison?.onFeedback?.candidate).toBeGreaterThan(0.5);
    const plain = await train(request);
    expect(plain.report.comparison).toBeUndefined();
    expect(bytesOf(compared)).toEqual(bytesOf(plain));
  });

  test("of another seed gives another adapter, as good", async () => {
    const other = await trainWith({ seed: 8, method: "spt" });
    expect(bytesOf(other).weights).not.toEqual(bytesOf(first).weights);
    expect(await accuracyOn(heldOut, other)).toBeGreaterThanOrEqual(0.9);
  });

  test("of an ablation that fixes the insertions trains those, without a search", async () => {
    const fixed = [{ kind: "prompt_generator", layer: 1 } as const];
    const options = { seed: 1, method: "spt", epochs: 1 } as const;
    const { adapter, report } = await train({
      ...{ backbone, dataset: datasetOf(trained), options, threads: 1 },
      ablation: { fixed },
    });
    expect(adapter.insertions.map(({ kind, layer }) => ({ kind, layer }))).toEqual(fixed);
    expect([report.gates, report.promptLayers]).toEqual([[], [1]]);
  });

  test("of static prompts gives generators whose prompts are the same for every text", async () => {
    const fixed = [{ kind: "prompt_generator", layer: 1 } as const];
    const { adapter } = await train({
      ...{ backbone, dataset: datasetOf(trained), threads: 1 },
      options: { seed: 1, epochs: 1 },
      ablation: { fixed, staticPrompts: true },
    });
    const [generator] = adapter.insertions.filter(isPromptGenerator);
    expect(new Set(generator?.up_ME)).toEqual(new Set([0]));
    expect(new Set(generator?.bias_PD).size).toBeGreaterThan(1);
  });

  test("of method auto and few rows tries scales and shifts everywhere, and none, and is no worse than none", async () => {
    const { adapter, report } = await trainWith({ seed: 7 });
    expect(report.candidates.map(({ insertions }) => insertions)).toEqual([undefined, EVERYWHERE]);
    expect(report.gates).toEqual([]);
    const [chosen] = report.candidates.filter((candidate) => candidate.chosen);
    expect(adapter.insertions.map(({ kind, layer }) => ({ kind, layer }))).toEqual(chosen?.insertions ?? []);
    expect(report.scaleShiftLayers).toHaveLength(adapter.insertions.length);
    const loss = (await probeAccuracy()) - (await accuracyOn(heldOut, { adapter, report }));
    expect(loss).toBeLessThanOrEqual(0.05);
  });

  test("of method auto and many rows also tries what a search over both kinds selects, and is no worse than none", async () => {
    const many = makeTickets({ seed: 1, rowsPerLabel: 43 });
    const options = { seed: 7, epochs: 1 };
    const { adapter, report } = await train({ backbone, dataset: datasetOf(many), options, threads: 1 });
    const [none, selected, scales] = report.candidates.map(({ insertions }) => insertions);
    expect(report.candidates).toHaveLength(3);
    const tried = report.candidates.map((one) => JSON.stringify([one.learningRate, one.insertions]));
    expect(new Set(tried).size).toBe(tried.length);
    expect([none, scales]).toEqual([undefined, EVERYWHERE]);
    expect(selected?.length).toBeLessThanOrEqual(LAYERS);
    expect(report.gates).toHaveLength(2 * LAYERS);
    // Half of the rows decided; the other half was held out for the report, once the adapter was made.
    expect([report.validation?.n, report.heldOut.n]).toEqual([64, 129]);
    expect(report.heldOut.from).toBe("every_example_once");
    expect(report.phases.at(-1)?.name).toBe("report");
    const loss = (await probeAccuracy()) - (await accuracyOn(heldOut, { adapter, report }));
    expect(loss).toBeLessThanOrEqual(0.05);
  });

  test("of a thousand rows has low-rank updates beside scales and shifts everywhere, and they have learned", async () => {
    const many = makeTickets({ seed: 1, rowsPerLabel: 334 });
    const options = { seed: 7, epochs: 1 };
    const { adapter, report } = await train({ backbone, dataset: datasetOf(many), options, threads: 1 });
    const both = [0, 1, 2].flatMap((layer) => [
      { kind: "scale_shift", layer },
      { kind: "low_rank", layer },
    ]);
    expect(report.candidates.at(-1)).toMatchObject({ insertions: both, preferred: true });
    expect(report.lowRankLayers).toEqual(adapter.insertions.filter(isLowRank).map(({ layer }) => layer));
    const { adapter: fixed } = await train({
      ...{ backbone, dataset: datasetOf(trained), options, threads: 1 },
      ablation: { fixed: [{ kind: "low_rank", layer: 1 }] },
    });
    for (const { query, value } of fixed.insertions.filter(isLowRank)) {
      for (const { up_KD } of [query, value]) {
        expect(up_KD.some((weight) => weight !== 0)).toBe(true);
        expect(roundToHalf(up_KD)).toEqual(up_KD);
      }
    }
    expect(fixed.insertions).toHaveLength(1);
    expect(bytesOf({ adapter: fixed, report }).weights.length).toBeGreaterThan(0);
  });

  test("decides on the user's validation rows where given, and learns nothing from them", async () => {
    const options = { seed: 1, epochs: 1 };
    const trainBeside = (rows: typeof trained) =>
      train({
        ...{ backbone, dataset: datasetOf(trained), options, threads: 1 },
        validation: { dataset: datasetOf(rows), fileName: "validation.csv" },
      });
    const { report } = await trainBeside(heldOut);
    expect(report.validation?.n).toBe(heldOut.rows.length);
    expect(report.heldOut).toMatchObject({ from: "validation_file", n: heldOut.rows.length });
    // Nothing was learned from them, so the adapter itself says where 95 % of them are kept.
    const { below, expectedInScopeRecall, n } = report.heldOut.outOfScope ?? expect.unreachable();
    expect([expectedInScopeRecall, n]).toEqual([1 - 3 / 61, 60]);
    const { adapter } = await trainBeside(heldOut);
    expect(adapter.outOfScope?.below).toBe(below);
    const lost = (await classifyAll(heldOut, adapter)).filter(({ outOfScope }) => outOfScope);
    expect(lost).toHaveLength(2);
    expect(report.examples).toBe(trained.rows.length);
    // Rows of another order of labels: a candidate is wrong about nearly all of them, whatever it is.
    const [a = "", b = "", c = ""] = heldOut.labels;
    const next = new Map([
      [a, b],
      [b, c],
      [c, a],
    ]);
    const swapped = heldOut.rows.map(({ text, label }) => ({ text, label: next.get(label) ?? label }));
    const misled = await trainBeside({ ...heldOut, rows: swapped });
    expect(misled.report.validation?.accuracy).toBeLessThan(0.3);
    // Had it learned from them, as many as there are, it would say as they do.
    expect(await accuracyOn(heldOut, misled)).toBeGreaterThan(0.6);
  });

  test("refuses a validation label that it does not learn, naming file and row", async () => {
    const { rows } = heldOut;
    const other = { labels: ["unheard"], rows: [{ text: rows[0]?.text ?? "", label: "unheard" }] };
    const refused = train({
      ...{ backbone, dataset: datasetOf(trained), options: { seed: 1 } },
      validation: { dataset: datasetOf({ ...heldOut, ...other }), fileName: "validation.csv" },
    });
    await expect(refused).rejects.toThrow(
      'validation.csv, row 2, column "label": the label "unheard" is not among those of the training file',
    );
  });

  test("keeps prompts that do harm under method spt, and drops them under auto", async () => {
    const harmful = { seed: 1, learningRate: 1, epochs: 4 };
    const [spt, auto] = [await trainWith({ ...harmful, method: "spt" }), await trainWith(harmful)];
    expect(spt.adapter.insertions.length).toBeGreaterThan(0);
    expect(auto.adapter.insertions).toEqual([]);
    expect([auto.report.promptLayers, auto.report.scaleShiftLayers]).toEqual([[], []]);
  });

  test("fits the head to the vectors that the adapter's own, rounded prompts give", async () => {
    const { head } = first.adapter;
    const generators = first.adapter.insertions.filter(isPromptGenerator);
    const encodings = trained.rows.map(({ text }) => backbone.tokenizer.encode(text));
    const labels = trained.rows.map(({ label }) => trained.labels.indexOf(label));
    const data = { backbone, encodings, pairMode: "joint" as const, labels, classes: 3 };
    const { width } = first.adapter;
    const { layer, promptTokens, bottleneck, pooling } = must(generators[0], "generator");
    const frozen = await FrozenEncoder.create(backbone, { threads: 1 });
    const states = await frozen.statesSource(layer, encodings);
    await frozen.close();
    const shape = { width, promptTokens, bottleneck, pooling, readsText: true };
    const tuner = new InsertionTuner(data, { shape, contrastive: false, threads: 1 });
    const indices = labels.map((_, index) => index);
    const features_BD = await tuner.features({ indices, insertions: generators, states });
    await tuner.close();
    const fitted = await fitLogisticRegression({ features_BD, labels, width, classes: 3 });
    for (const [index, value] of fitted.weight_CD.entries()) {
      expect(Math.abs((head.weight_CD[index] ?? Number.NaN) - value)).toBeLessThan(5e-3);
    }
  });

  test("leaves the backbone as it was", () => {
    const untouched = parseBackbone("tiny", makeTinyBackbone({ layers: LAYERS }));
    expect(backbone.weights).toEqual(untouched.weights);
  });

  test("gives weights that 16 bits hold, so that a stored adapter is the trained one", () => {
    const { insertions, head } = first.adapter;
    const arrays = [...insertions.flatMap(weightsOfInsertion), ...Object.values(head)];
    for (const values of arrays) expect(values).toEqual(Float32Array.from(new Float16Array(values)));
  });

  test("obeys its options: pooling, prompt tokens, bottleneck, most insertions, epochs", async () => {
    const options = {
      method: "spt",
      pooling: "slots",
      promptTokens: 2,
      bottleneck: 5,
      insertionsMax: 1,
      epochs: 2,
    } as const;
    const { adapter, report } = await trainWith({ seed: 1, ...options });
    expect(adapter.insertions).toHaveLength(1);
    expect(adapter.insertions[0]).toMatchObject({ pooling: "slots", promptTokens: 2, bottleneck: 5 });
    expect(adapter.insertions.filter(isPromptGenerator)[0]?.up_ME).toHaveLength(5 * backbone.config.width);
    // 36 examples are 3 batches of at most 16.
    expect(report.phases.find(({ name }) => name === "retrain")?.steps).toBe(2 * 3);
  });
});

describe("progress", () => {
  test("starts at 0, never falls, and ends at 1", () => {
    const values = progress.map((step) => step.progress);
    expect(values[0]).toBe(0);
    expect(values).toEqual(values.toSorted((a, b) => a - b));
    expect(values.at(-1)).toBe(1);
    expect(values.filter((value) => value < 1).length).toBeGreaterThan(100);
  });

  test("goes through the phases in order, each step within its phase's steps", () => {
    const phases = progress.map(({ phase }) => phase).filter((phase, at, all) => phase !== all[at - 1]);
    expect(phases).toEqual(["embed", "search", "validate", "retrain", "head"]);
    for (const { step, steps } of progress) {
      expect(step).toBeGreaterThanOrEqual(0);
      expect(step).toBeLessThanOrEqual(steps);
    }
  });

  test("shows one gate a layer during the search", () => {
    const gates = progress.flatMap((step) => (step.gates ? [step.gates] : []));
    expect(gates.length).toBeGreaterThan(10);
    for (const row of gates) expect(row).toHaveLength(LAYERS);
  });
});

describe("the report", () => {
  test("counts examples, classes and exactly the numbers the adapter holds", () => {
    const { adapter, report } = first;
    expect(report).toMatchObject({ method: "spt", seed: 7, examples: 36, classes: 3 });
    const sizes = [...adapter.insertions.flatMap(weightsOfInsertion), ...Object.values(adapter.head)];
    expect(report.trainedParameters).toBe(sizes.reduce((sum, { length }) => sum + length, 0));
    expect(report.backboneParameters).toBeGreaterThan(report.trainedParameters);
  });

  test("counts the examples that are longer than the backbone reads", async () => {
    const { examples, ...rest } = datasetOf(trained);
    const long = examples.map((one, row) => (row < 2 ? { ...one, input: `${one.input} `.repeat(150) } : one));
    const dataset = { ...rest, examples: long };
    const { report } = await train({ backbone, dataset, options: { seed: 1, epochs: 1 }, threads: 1 });
    expect([first.report.truncatedExamples, report.truncatedExamples]).toEqual([0, 2]);
  });

  test("says what the labels' names told, of method auto and few single texts alone", async () => {
    const report = async (options: Partial<TrainOptions>, ablation: { labelNames?: false } = {}) => {
      const dataset = datasetOf(trained);
      const request = {
        backbone,
        dataset,
        options: { seed: 1, epochs: 1, ...options },
        threads: 1,
        ablation,
      };
      return (await train(request)).report.labelNames;
    };
    const { taught, accuracy, examplesAccuracy } = (await report({})) ?? expect.unreachable();
    const error = Math.sqrt((examplesAccuracy * (1 - examplesAccuracy)) / 36);
    expect(taught).toBe(accuracy >= examplesAccuracy - error);
    expect(await report({ method: "spt" })).toBeUndefined();
    expect(await report({}, { labelNames: false })).toBeUndefined();
  });

  test("tells what every example's held-out answer says: figures, matrix, threshold, advice", () => {
    const { adapter, report } = first;
    const { from, n, accuracy, confusionMatrix, outOfScope } = report.heldOut;
    expect([from, n, accuracy]).toEqual(["every_example_once", 36, report.validation?.accuracy]);
    const counts = confusionMatrix.counts.flat();
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(36);
    const right = confusionMatrix.labels.reduce(
      (sum, _, at) => sum + (confusionMatrix.counts[at]?.[at] ?? 0),
      0,
    );
    expect(right / 36).toBeCloseTo(accuracy, 9);
    expect(adapter.outOfScope).toEqual({ score: "max_logit", below: outOfScope?.below });
    expect(outOfScope).toMatchObject({ n: 36, expectedInScopeRecall: 1 - 1 / 37 });
    // 12 examples are few: a label whose rows are not all found is told so.
    for (const { label, examples, reasons } of report.advice) {
      expect(adapter.labels).toContain(label);
      expect(examples).toBe(12);
      expect(reasons).toContainEqual({ kind: "few_examples", examples: 12 });
    }
  });

  test("keeps the warnings of the training file", async () => {
    const warnings = [{ code: "duplicate_rows", message: "1 row repeats.", pairs: [[2, 9]] }] as const;
    const dataset = { ...datasetOf(trained), warnings };
    const { report } = await train({ backbone, dataset, options: { seed: 1, epochs: 1 }, threads: 1 });
    expect(report.warnings).toEqual(warnings);
  });

  test("names the adapter's prompt layers, which have the largest gates", () => {
    const { adapter, report } = first;
    expect(report.promptLayers).toEqual(adapter.insertions.map(({ layer }) => layer));
    expect(report.promptLayers.length).toBeGreaterThanOrEqual(1);
    expect(report.promptLayers.length).toBeLessThanOrEqual(LAYERS);
    expect(report.gates).toHaveLength(LAYERS);
    for (const { value } of report.gates) {
      expect(value).toBeGreaterThan(0);
      expect(value).toBeLessThan(1);
    }
    const largest = report.gates.reduce((best, next) => (next.value > best.value ? next : best));
    expect(report.promptLayers).toContain(largest.layer);
  });

  test("thins the history of the gates, each row one gate a layer", () => {
    const { gateHistory } = first.report;
    expect(gateHistory.length).toBeGreaterThan(0);
    expect(gateHistory.length).toBeLessThanOrEqual(GATE_HISTORY_MAX);
    for (const { values } of gateHistory) expect(values).toHaveLength(LAYERS);
    expect(gateHistory.map(({ step }) => step)).toEqual(
      gateHistory.map(({ step }) => step).toSorted((a, b) => a - b),
    );
    // The last row are the gates that were chosen by.
    expect(gateHistory.at(-1)?.values).toEqual(first.report.gates.map(({ value }) => value));
  });

  test("keeps the loss of every phase that has steps, the last point being the phase's loss", () => {
    for (const { name, steps, loss, lossHistory } of first.report.phases) {
      if (steps === 0) expect([name, lossHistory]).toEqual([name, undefined]);
      else expect([name, lossHistory?.at(-1)]).toEqual([name, { step: steps, loss }]);
      expect(lossHistory?.length ?? 0).toBeLessThanOrEqual(LOSS_HISTORY_MAX);
    }
  });

  test("measures every candidate on all rows held out once, and marks the chosen one's figures as its own", () => {
    const { validation, frozenProbe, candidates, temperature } = first.report;
    const [bare, ...prompted] = candidates;
    expect(bare?.learningRate).toBeUndefined();
    for (const { learningRate } of prompted) expect(learningRate).toBeGreaterThan(0);
    // Method "spt": of the candidates with prompts, the best.
    const chosen = prompted.reduce((best, next) => (next.loss < best.loss ? next : best));
    expect(candidates.filter((candidate) => candidate.chosen)).toEqual([chosen]);
    expect(validation).toEqual({ accuracy: chosen.accuracy, macroF1: chosen.macroF1, n: 36 });
    expect(frozenProbe).toEqual({ accuracy: bare?.accuracy, macroF1: bare?.macroF1, n: 36 });
    for (const { accuracy, macroF1, loss } of candidates) {
      expect(accuracy).toBeGreaterThan(1 / 3);
      expect(accuracy).toBeLessThanOrEqual(1);
      expect(macroF1).toBeLessThanOrEqual(1);
      expect(loss).toBeGreaterThan(0);
      expect(loss).toBeLessThan(Math.log(3));
    }
    expect(temperature).toBe(first.adapter.temperature);
    expect(temperature).toBeGreaterThan(0);
  });

  test("times every phase, and their sum is no more than the whole", () => {
    const { phases, seconds } = first.report;
    expect(phases.map(({ name }) => name)).toEqual(["embed", "search", "validate", "retrain", "head"]);
    const sum = phases.reduce((total, phase) => total + phase.seconds, 0);
    expect(sum).toBeGreaterThan(0);
    expect(sum).toBeLessThanOrEqual(seconds);
    for (const name of ["search", "validate", "retrain"]) {
      const phase = must(
        phases.find((one) => one.name === name),
        name,
      );
      expect(phase.steps).toBeGreaterThan(0);
      expect(phase.loss).toBeGreaterThanOrEqual(0);
    }
  });
});

describe("aborting", () => {
  test.each([
    ["embed", 0],
    ["search", 1],
    ["validate", 1],
    ["retrain", 1],
    ["head", 0],
  ] as const)(
    "during %s, step %d, rejects with the signal's reason before anything more is told",
    async (phase, atStep) => {
      const controller = new AbortController();
      const reason = new Error("no longer wanted");
      let stepsAfter = -1;
      const onProgress = (step: TrainingProgress) => {
        if (controller.signal.aborted) stepsAfter += 1;
        if (step.phase === phase && step.step === atStep) {
          controller.abort(reason);
          stepsAfter = 0;
        }
      };
      const request = {
        backbone,
        dataset: datasetOf(trained),
        options: { seed: 1, method: "spt" },
        threads: 1,
      } as const;
      await expect(train({ ...request, onProgress, signal: controller.signal })).rejects.toBe(reason);
      expect(stepsAfter).toBe(0);
    },
  );

  test("before the start rejects before a single step", async () => {
    const steps: number[] = [];
    const request = { backbone, dataset: datasetOf(trained), options: { seed: 1 }, threads: 1 };
    const onProgress = ({ step }: TrainingProgress) => steps.push(step);
    const aborted = AbortSignal.abort(new Error("too late"));
    await expect(train({ ...request, onProgress, signal: aborted })).rejects.toThrow("too late");
    expect(Math.max(0, ...steps)).toBe(0);
  });
});
