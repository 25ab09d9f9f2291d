// One step of a training as devices are tried with it, on texts of its own: the graph, its inputs, what to read of it.
import { type Backbone, DEFAULT_TEMPLATES } from "#model";
import type { Graph } from "#model/graph";
import { FrozenEncoder } from "../frozen-encoder.ts";
import { createRandom, normal } from "../random.ts";
import type { Feeds } from "../spt/batch-inputs.ts";
import type { GeneratorShape } from "../spt/generators.ts";
import { type InsertionPlace, parametersOf, startInsertion } from "../spt/insertions.ts";
import { buildSptGraph, gradientOutput } from "../spt/spt-graph.ts";
import { headParameters, type TrainingData } from "../spt/training-data.ts";
import { tuneFeeds } from "../spt/tune-insertions.ts";

export interface Trial {
  readonly graph: Graph;
  readonly feeds: Feeds;
  readonly outputs: readonly string[];
}

const CLASSES = 4;
const TEXTS = Array.from({ length: 16 }, (_, index) =>
  "my parcel is late and nobody answers. ".repeat(1 + (index % 4)),
);

export interface TrainingStepOptions {
  /** Of the frozen encoder, which gives the inputs; 0, the default, lets onnxruntime choose. */
  readonly threads?: number;
  /** Whether the supervised contrastive loss is added. Default true. */
  readonly contrastive?: boolean;
}

/** Of all kinds of insertions, so that every op of tuning is in it. Outputs: "loss", then each gradient. */
export async function trainingStep(
  backbone: Backbone,
  { threads = 0, contrastive = true }: TrainingStepOptions = {},
): Promise<Trial> {
  const { width, layers, pooling } = backbone.config;
  const random = createRandom(1);
  const shape: GeneratorShape = { width, promptTokens: 2, bottleneck: 16, pooling: "mean", readsText: true };
  const insertions = placesIn(layers).map((place) => startInsertion(place, shape, random));
  const head = {
    weight_DC: Float32Array.from({ length: width * CLASSES }, () => normal(random)),
    bias_C: new Float32Array(CLASSES),
  };
  const parameters = [
    ...insertions.flatMap((insertion) => parametersOf(insertion, shape)),
    ...headParameters(head),
  ];
  const template = pooling === "mask" ? DEFAULT_TEMPLATES.single : undefined;
  const data: TrainingData = {
    ...{ backbone, pairMode: "joint", classes: CLASSES },
    encodings: TEXTS.map((text) => backbone.tokenizer.encode(text, template)),
    labels: TEXTS.map((_, index) => index % CLASSES),
  };
  const graph = buildSptGraph({ ...data, shape, insertions, contrastive, gradients: true, mode: "tune" });
  const frozen = await FrozenEncoder.create(backbone, { threads });
  try {
    const states = await frozen.statesSource(0, data.encodings);
    const context = { insertions, parameters, shape, contrastive, threads, dropout: 0, random, states };
    const feeds = await tuneFeeds(data, [...TEXTS.keys()], context);
    return { graph, feeds, outputs: ["loss", ...parameters.map(({ name }) => gradientOutput(name))] };
  } finally {
    await frozen.close();
  }
}

/** Scales, shifts and low-rank updates at every layer, prompts at the last. */
function placesIn(layers: number): InsertionPlace[] {
  const everywhere = Array.from({ length: layers }, (_, layer): InsertionPlace[] => [
    { kind: "scale_shift", layer },
    { kind: "low_rank", layer },
  ]);
  return [...everywhere.flat(), { kind: "prompt_generator", layer: layers - 1 }];
}
