import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Adapter,
  type Backbone,
  featureWidth,
  type GeneratorPooling,
  parseBackbone,
  weightsOfInsertion,
} from "#model";
import { must } from "#model/graph";
import { createClassifier } from "#model/runtime";
import { type Feed, Session } from "#model/runtime/session";
import { makeTinyBackbone, type TinyFamily } from "../../test/helpers/tiny-backbone.ts";
import { FrozenEncoder } from "../frozen-encoder.ts";
import { headLogits } from "../head/head-logits.ts";
import { createRandom, normal } from "../random.ts";
import {
  contrastiveInputs,
  type Feeds,
  pairInputs,
  promptInputs,
  searchInputs,
  targetsOf,
  textInputs,
} from "./batch-inputs.ts";
import type { GeneratorShape } from "./generators.ts";
import {
  type InsertionPlace,
  lowestLayer,
  parametersOf,
  startInsertion,
  type TrainableInsertion,
  toInsertions,
} from "./insertions.ts";
import { alphaInput, buildSptGraph, gradientOutput, maskInput, type SptGraphOptions } from "./spt-graph.ts";
import {
  adapterHead,
  batchExamples,
  headParameters,
  keepFeeds,
  parameterFeeds,
  type TrainableHead,
  type TrainingData,
} from "./training-data.ts";
import { InsertionTuner } from "./tune-insertions.ts";

const LAYERS = 3;
const WIDTH = 16;
const CLASSES = 3;
const TEXTS = ["my refund is late", "the app has a bug", "i love this music so very much", "hello"];
const LABELS = [0, 1, 2, 0];
const EVERY = LABELS.map((_, index) => index);

interface Start {
  readonly backbone: Backbone;
  readonly frozen: FrozenEncoder;
  readonly data: TrainingData;
}

const starts: Record<"mean" | "mask", Map<TinyFamily, Start>> = { mean: new Map(), mask: new Map() };
/**
 * The backbone of a case and what is known of the texts; MPNet's has relative attention bias. Where it is read at the
 * mask, it has a masked-language-model head, and each text stands in a template.
 */
const startOf = ({ family = "bert", mask = false }: Pick<Case, "family" | "mask">) =>
  must(starts[mask ? "mask" : "mean"].get(family), family);

beforeAll(async () => {
  for (const family of ["bert", "mpnet"] as const) {
    starts.mean.set(family, await makeStart(family));
    starts.mask.set(family, await makeStart(family, "{text} It was {mask} ."));
  }
});
afterAll(async () => {
  for (const { frozen } of [...starts.mean.values(), ...starts.mask.values()]) await frozen.close();
});

async function makeStart(family: TinyFamily, template?: string): Promise<Start> {
  const sizes = { layers: LAYERS, width: WIDTH, heads: 2, feedForward: 24, maskHead: template !== undefined };
  const backbone = parseBackbone("tiny", makeTinyBackbone({ family, ...sizes }));
  const encodings = TEXTS.map((text) => backbone.tokenizer.encode(text, template));
  const data = { backbone, encodings, pairMode: "joint", labels: LABELS, classes: CLASSES } as const;
  return { backbone, frozen: await FrozenEncoder.create(backbone, { threads: 1 }), data };
}

const shapeOf = (pooling: GeneratorPooling): GeneratorShape => ({
  width: WIDTH,
  promptTokens: 3,
  bottleneck: 4,
  pooling,
  readsText: true,
});

/** Weights large enough that every one of them shows in the loss. */
function drawWeights(places: readonly InsertionPlace[], shape: GeneratorShape, pairs = false) {
  const random = createRandom(11);
  const insertions = places.map((place) => loudInsertion(place, shape, random));
  const head: TrainableHead = {
    weight_DC: Float32Array.from(
      { length: featureWidth(WIDTH, pairs ? "dual" : "joint") * CLASSES },
      () => 2 * normal(random),
    ),
    bias_C: Float32Array.from({ length: CLASSES }, () => normal(random)),
  };
  return { insertions, head };
}

function loudInsertion(
  place: InsertionPlace,
  shape: GeneratorShape,
  random: () => number,
): TrainableInsertion {
  const start = startInsertion(place, shape, random);
  if (start.kind === "prompt_generator") {
    return { ...start, up_ME: start.up_ME.map((x) => 25 * x), bias_PD: start.bias_PD.map((x) => 25 * x) };
  }
  for (const vector of weightsOfInsertion(start)) vector.set(vector.map(() => 0.3 * normal(random)));
  return start;
}

const feedsOfInsertions = (insertions: readonly TrainableInsertion[], shape: GeneratorShape) =>
  parameterFeeds(insertions.flatMap((insertion) => parametersOf(insertion, shape)));

interface Case {
  /** Default "bert". */
  readonly family?: TinyFamily;
  readonly mode: "search" | "tune";
  readonly pooling: GeneratorPooling;
  /** With a prompt generator. */
  readonly layers: readonly number[];
  /** With scales and shifts. */
  readonly scaleShift?: readonly number[];
  /** With low-rank updates. */
  readonly lowRank?: readonly number[];
  /** The texts two by two, each alone. */
  readonly pairs?: boolean;
  /** Read at the mask of a template. */
  readonly mask?: boolean;
}

type Places = Pick<Case, "family" | "layers" | "scaleShift" | "lowRank">;

const placesOf = ({ layers, scaleShift = [], lowRank = [] }: Places): InsertionPlace[] => [
  ...layers.map((layer) => ({ kind: "prompt_generator", layer }) as const),
  ...scaleShift.map((layer) => ({ kind: "scale_shift", layer }) as const),
  ...lowRank.map((layer) => ({ kind: "low_rank", layer }) as const),
];

/** All inputs of a training graph. In a search each text stands twice, under two gate masks. */
async function feedsOf(spec: Case): Promise<Feeds> {
  const { mode, pooling, layers } = spec;
  const { backbone, frozen, data } = startOf(spec);
  const shape = shapeOf(pooling);
  const every = spec.pairs ? [0, 1] : EVERY;
  const indices = mode === "search" ? [...every, ...every] : every;
  const states = await frozen.statesSource(lowestLayer(placesOf(spec)), data.encodings);
  const spread: TrainingData = { ...data, pairMode: spec.pairs ? "dual" : "joint" };
  const sequences = await batchExamples(spread, indices, states);
  const { batch, feeds } = textInputs(sequences, backbone.config);
  const { prompts, feeds: promptFeeds } = promptInputs(batch, shape);
  const { insertions, head } = drawWeights(placesOf(spec), shape, spec.pairs);
  const labels = indices.map((index) => must(LABELS[index], "label"));
  return {
    ...feeds,
    ...(layers.length > 0 ? promptFeeds : {}),
    ...(spec.pairs ? pairInputs(indices.length) : {}),
    ...feedsOfInsertions(insertions, shape),
    ...parameterFeeds(headParameters(head)),
    ...keepFeeds(layers, shape, { texts: sequences.length, rate: 0.3, random: createRandom(5) }),
    targets: { data: targetsOf(labels, CLASSES, 1 / indices.length), shape: [indices.length, CLASSES] },
    ...(mode === "search"
      ? {
          ...searchInputs(batch, prompts, shape.promptTokens),
          ...gateFeeds(spec, sequences.length * shape.promptTokens, every.length),
        }
      : spec.pairs
        ? {}
        : contrastiveInputs(labels)),
  };
}

function gateFeeds(spec: Case, rows: number, texts: number): Feeds {
  const difference = new Float32Array(texts * 2 * texts);
  for (let row = 0; row < texts; row++) {
    difference[row * 2 * texts + row] = 0.7;
    difference[row * 2 * texts + texts + row] = -0.7;
  }
  const alphas = placesOf(spec).map((place, index): [string, Feed] => [
    alphaInput(place),
    { data: Float32Array.of(0.4 - 0.3 * index), shape: [1] },
  ]);
  const masks = spec.layers.map((layer): [string, Feed] => {
    // The second pass leaves layer 1 out.
    const mask = Float32Array.from({ length: rows }, (_, row) => (layer === 1 && row >= rows / 2 ? 0 : 1));
    return [maskInput(layer), { data: mask, shape: [rows, 1] }];
  });
  return {
    ...Object.fromEntries([...alphas, ...masks]),
    difference: { data: difference, shape: [texts, 2 * texts] },
  };
}

function toFloat64(feeds: Feeds): Feeds {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { data: values, shape }]) => [
      name,
      { data: values instanceof Int32Array ? values : Float64Array.from(values), shape },
    ]),
  );
}

const graphOf = (spec: Case, options: Partial<SptGraphOptions> = {}) =>
  buildSptGraph({
    backbone: startOf(spec).backbone,
    shape: shapeOf(spec.pooling),
    classes: CLASSES,
    insertions: placesOf(spec),
    mode: spec.mode,
    pairMode: spec.pairs ? "dual" : "joint",
    contrastive: spec.mode === "tune" && !spec.pairs,
    gradients: true,
    ...options,
  });

/** What a training minimises: the graph's "loss" and the other terms, added here by hand. */
async function totalLoss(session: Session, feeds: Feeds): Promise<number> {
  const { loss, features } = await session.run(feeds, ["loss", "features"]);
  const { difference, positives } = feeds;
  let total = Number(loss[0]);
  if (!difference) return positives ? total + contrastiveByHand(features) : total;
  const [rows = 0, columns = 0] = difference.shape;
  const width = features.length / columns;
  for (let row = 0; row < rows; row++) {
    for (let d = 0; d < width; d++) {
      let gap = 0;
      for (let column = 0; column < columns; column++) {
        gap += (difference.data[row * columns + column] ?? 0) * (features[column * width + d] ?? 0);
      }
      total += gap * gap;
    }
  }
  return total;
}

/** Khosla et al. 2020, equation 2, over the anchors that have a positive. */
function contrastiveByHand(features: ArrayLike<number>): number {
  const similarity = (i: number, j: number) =>
    Array.from({ length: WIDTH }, (_, d) => Number(features[i * WIDTH + d]) * Number(features[j * WIDTH + d]))
      .map((product) => product / 0.1)
      .reduce((sum, product) => sum + product, 0);
  const losses = LABELS.flatMap((label, i) => {
    const others = EVERY.filter((j) => j !== i);
    const all = others.reduce((sum, j) => sum + Math.exp(similarity(i, j)), 0);
    const terms = others.filter((j) => LABELS[j] === label).map((j) => Math.log(all) - similarity(i, j));
    return terms.length > 0 ? [terms.reduce((sum, term) => sum + term, 0) / terms.length] : [];
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

async function numericGradient(session: Session, feeds: Feeds, name: string, index: number): Promise<number> {
  const epsilon = 1e-4;
  const { data: values, shape } = must(feeds[name], name);
  const lossAt = async (by: number) => {
    const moved = Float64Array.from(values);
    moved[index] = (moved[index] ?? 0) + by;
    return totalLoss(session, { ...feeds, [name]: { data: moved, shape } });
  };
  return ((await lossAt(epsilon)) - (await lossAt(-epsilon))) / (2 * epsilon);
}

const trainable = (spec: Case) => {
  const shape = shapeOf(spec.pooling);
  const { insertions, head } = drawWeights(placesOf(spec), shape, spec.pairs);
  return [
    ...insertions.flatMap((insertion) => parametersOf(insertion, shape)),
    ...headParameters(head),
    ...(spec.mode === "search" ? placesOf(spec).map((place) => ({ name: alphaInput(place) })) : []),
  ].map(({ name }) => name);
};

/** For the tests' names. */
const withFamily = <Spec extends { family?: TinyFamily }>(specs: readonly Spec[]) =>
  specs.map((spec) => ({ family: "bert" as const, ...spec }));

const cases: Case[] = [
  { mode: "search", pooling: "mean", layers: [0, 1, 2] },
  { mode: "search", pooling: "slots", layers: [0, 1, 2] },
  { mode: "search", pooling: "mean", layers: [0, 1, 2], scaleShift: [0, 1, 2] },
  { mode: "tune", pooling: "mean", layers: [0, 2] },
  { mode: "tune", pooling: "slots", layers: [1, 2] },
  { mode: "tune", pooling: "mean", layers: [], scaleShift: [0, 1, 2] },
  { mode: "tune", pooling: "mean", layers: [], lowRank: [0, 2] },
  { mode: "tune", pooling: "mean", layers: [0], scaleShift: [1, 2], lowRank: [1, 2] },
  { mode: "tune", pooling: "mean", layers: [1], scaleShift: [0, 1] },
  { mode: "tune", pooling: "slots", layers: [1], scaleShift: [0, 1, 2], pairs: true },
  { mode: "search", pooling: "mean", layers: [0, 1, 2], scaleShift: [0, 1, 2], pairs: true },
  { mode: "tune", pooling: "mean", layers: [0], scaleShift: [1, 2], mask: true },
  { mode: "search", pooling: "mean", layers: [0, 1, 2], scaleShift: [0, 1, 2], mask: true },
  { family: "mpnet", mode: "search", pooling: "slots", layers: [0, 1, 2], scaleShift: [0, 1, 2] },
  { family: "mpnet", mode: "tune", pooling: "mean", layers: [0], scaleShift: [1, 2], lowRank: [0, 1] },
  { family: "mpnet", mode: "tune", pooling: "slots", layers: [1, 2], scaleShift: [0, 2], pairs: true },
  { family: "mpnet", mode: "tune", pooling: "mean", layers: [], scaleShift: [0, 1, 2] },
  { family: "mpnet", mode: "tune", pooling: "mean", layers: [1], scaleShift: [0, 2], mask: true },
];

describe.each(withFamily(cases))(
  "the $mode graph of $family, pooling $pooling, prompts $layers, scales $scaleShift, updates $lowRank, pairs $pairs, mask $mask",
  (spec) => {
    test("has the gradients of finite differences in float64, by every trainable input", async () => {
      const graph = graphOf(spec, { floatType: "float64", reparameterized: false });
      const session = await Session.create(graph, { threads: 1 });
      try {
        const feeds = toFloat64(await feedsOf(spec));
        for (const name of trainable(spec)) {
          const output = gradientOutput(name);
          const gradient = must((await session.run(feeds, [output]))[output], output);
          expect(gradient).toHaveLength(must(feeds[name], name).data.length);
          const largest = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
          expect(largest, name).toBeGreaterThan(1e-4);
          const stride = Math.ceil(gradient.length / 5);
          for (let index = 0; index < gradient.length; index += stride) {
            const numeric = await numericGradient(session, feeds, name, index);
            expect(Math.abs(Number(gradient[index]) - numeric), `${name} [${index}]`).toBeLessThan(
              1e-6 * largest,
            );
          }
        }
      } finally {
        await session.close();
      }
    });
  },
);

test("competing gates change the gradients of the gates as the formula says, and no other number", async () => {
  const spec: Case = { mode: "search", pooling: "mean", layers: [0, 1, 2], scaleShift: [1, 2] };
  const feeds = toFloat64(await feedsOf(spec));
  const names = trainable(spec);
  const [plain, competing] = await Promise.all(
    [false, true].map(async (reparameterized) => {
      const session = await Session.create(graphOf(spec, { floatType: "float64", reparameterized }), {
        threads: 1,
      });
      const results = await session.run(feeds, ["loss", "features", ...names.map(gradientOutput)]);
      await session.close();
      return results;
    }),
  );
  const alphas = placesOf(spec).map(alphaInput);
  for (const [output, values] of Object.entries(plain ?? {})) {
    if (alphas.map(gradientOutput).includes(output)) continue;
    for (const [index, value] of values.entries()) {
      expect(Math.abs(value - Number(competing?.[output]?.[index]))).toBeLessThan(1e-10);
    }
  }
  const gates = alphas.map((name) => 1 / (1 + Math.exp(-Number(feeds[name]?.data[0]))));
  const slopes = gates.map((gate) => gate * (1 - gate));
  const byGate = alphas.map(
    (name, l) => Number(plain?.[gradientOutput(name)]?.[0]) / must(slopes[l], "slope"),
  );
  const mean =
    gates.reduce((sum, gate, l) => sum + gate * must(byGate[l], "gradient"), 0) /
    gates.reduce((sum, gate) => sum + gate, 0);
  for (const [l, name] of alphas.entries()) {
    const expected = (must(byGate[l], "gradient") - mean) * must(slopes[l], "slope");
    expect(Math.abs(Number(competing?.[gradientOutput(name)]?.[0]) - expected)).toBeLessThan(1e-9);
  }
});

describe.each(["mean", "slots"] as const)("with pooling %s", (pooling) => {
  const prompts: readonly Places[] = [
    ...[[0], [2], [0, 2], [1, 2], [0, 1, 2]].map((layers) => ({ layers })),
    { family: "mpnet", layers: [0, 2] },
    { family: "mpnet", layers: [0] },
  ];
  const withVectors: typeof prompts = [
    { layers: [], scaleShift: [1] },
    { layers: [0], scaleShift: [0, 1, 2] },
    { layers: [], lowRank: [0, 2] },
    { layers: [1], scaleShift: [0, 1, 2], lowRank: [0, 1, 2] },
    { layers: [1], scaleShift: [0, 2] },
    { family: "mpnet", layers: [1], scaleShift: [0, 2], lowRank: [1, 2] },
  ];

  test.each(withFamily(prompts))(
    "soft gates of $family forced to 1 at layers $layers and 0 elsewhere give the hard graph's features to 1e-4",
    async (places) => {
      const { frozen, data } = startOf(places);
      const hard = await hardFeatures(pooling, places);
      expect(largestDifference(await softFeatures(pooling, places), hard)).toBeLessThan(1e-4);
      // Prompts matter here: the frozen encoder's features are others.
      expect(largestDifference(await frozen.features(data.encodings), hard)).toBeGreaterThan(1e-2);
    },
  );

  test.each(withFamily([...prompts, ...withVectors]))(
    "the hard graph of $family, prompts $layers, scales $scaleShift, updates $lowRank and the serving classifier give the same scores to 1e-4",
    async (places) => {
      const shape = shapeOf(pooling);
      const { insertions, head } = drawWeights(placesOf(places), shape);
      const adapter: Adapter = {
        width: WIDTH,
        insertions: toInsertions(insertions, shape),
        head: adapterHead(head),
        labels: ["a", "b", "c"],
        temperature: 1.5,
        pairMode: "joint",
      };
      const logits = headLogits(adapter.head, await hardFeatures(pooling, places), WIDTH);
      const classifier = await createClassifier(startOf(places).backbone, { threads: 1, precision: "fp32" });
      try {
        const results = await classifier.classify(
          { tenant: "a", digest: "a", load: async () => adapter },
          TEXTS,
        );
        for (const [row, { scores_C }] of results.entries()) {
          const powers = Array.from(logits.subarray(row * CLASSES, (row + 1) * CLASSES), (x) =>
            Math.exp(x / 1.5),
          );
          const total = powers.reduce((sum, power) => sum + power, 0);
          expect(
            largestDifference(
              scores_C,
              powers.map((power) => power / total),
            ),
          ).toBeLessThan(1e-4);
        }
      } finally {
        await classifier.close();
      }
    },
  );
});

test.each(["bert", "mpnet"] as const)(
  "a text's features on %s do not depend on its batch",
  async (family) => {
    const places = { family, layers: [0, 2], scaleShift: [1], lowRank: [0, 1] };
    const together = await hardFeatures("mean", places);
    for (const index of EVERY) {
      const alone = await hardFeatures("mean", places, [index]);
      const row = together.subarray(index * WIDTH, (index + 1) * WIDTH);
      expect(largestDifference(alone, row)).toBeLessThan(1e-5);
    }
  },
);

async function hardFeatures(
  pooling: GeneratorPooling,
  places: Places,
  indices: readonly number[] = EVERY,
): Promise<Float32Array> {
  const shape = shapeOf(pooling);
  const { frozen, data } = startOf(places);
  const { insertions } = drawWeights(placesOf(places), shape);
  const states = await frozen.statesSource(lowestLayer(insertions), data.encodings);
  const tuner = new InsertionTuner(data, { shape, contrastive: false, threads: 1 });
  const features = await tuner.features({ indices, insertions, states });
  await tuner.close();
  return features;
}

/** Of the search graph with the selected layers' generators, and loud random ones behind closed gates. */
async function softFeatures(pooling: GeneratorPooling, places: Places): Promise<Float32Array> {
  const { layers: selected, family } = places;
  const { backbone, frozen, data } = startOf(places);
  const shape = shapeOf(pooling);
  const every = Array.from({ length: LAYERS }, (_, layer) => layer);
  const { insertions } = drawWeights(placesOf({ layers: selected }), shape);
  const closed = every
    .filter((layer) => !selected.includes(layer))
    .map((layer) => loudInsertion({ kind: "prompt_generator", layer }, shape, createRandom(layer)));
  const states = await frozen.statesSource(0, data.encodings);
  const { batch, feeds } = textInputs(await batchExamples(data, EVERY, states), backbone.config);
  const { prompts, feeds: promptFeeds } = promptInputs(batch, shape);
  const rows = TEXTS.length * shape.promptTokens;
  const gates = every.flatMap((layer): [string, Feed][] => [
    [
      alphaInput({ kind: "prompt_generator", layer }),
      { data: Float32Array.of(selected.includes(layer) ? 30 : -30), shape: [1] },
    ],
    [maskInput(layer), { data: new Float32Array(rows).fill(1), shape: [rows, 1] }],
  ]);
  const spec: Case = { ...(family ? { family } : {}), mode: "search", pooling, layers: every };
  const session = await Session.create(graphOf(spec, { gradients: false }), { threads: 1 });
  try {
    const all = {
      ...feeds,
      ...promptFeeds,
      ...searchInputs(batch, prompts, shape.promptTokens),
      ...feedsOfInsertions([...insertions, ...closed], shape),
      ...Object.fromEntries(gates),
    };
    return (await session.run(all, ["features"])).features;
  } finally {
    await session.close();
  }
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Math.max(...Array.from(a, (value, index) => Math.abs(value - (b[index] ?? Number.NaN))));
}
