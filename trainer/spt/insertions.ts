// What trains: insertions by kind and layer, with their arrays as named inputs of a training graph.
import {
  INSERTION_KINDS,
  type Insertion,
  type LowRank,
  PRODUCT_SITES,
  roundToHalf,
  type ScaleShift,
} from "#model";
import { normal } from "../random.ts";
import {
  type GeneratorShape,
  type GeneratorWeights,
  generatorDimensions,
  generatorInputs,
  startGenerator,
  toPromptGenerator,
} from "./generators.ts";

/** Where an insertion of a kind stands. */
export interface InsertionPlace {
  readonly kind: Insertion["kind"];
  readonly layer: number;
}

/** Arrays are updated in place by the optimizer. */
export type TrainableInsertion = GeneratorWeights | ScaleShift | LowRank;

/** An input of a training graph that trains. */
export interface Parameter {
  readonly name: string;
  readonly value: Float32Array;
  readonly shape: readonly number[];
  /** Weight decay applies to matrices. */
  readonly decay: boolean;
  /** Multiplies the learning rate. */
  readonly rateFactor: number;
}

/** Scales and shifts, which act on every token, learn slower than generators: docs/decisions. */
const SCALE_SHIFT_RATE_FACTOR = 0.8;
/** And so do low-rank updates, of which two matrices multiply. */
const LOW_RANK_RATE_FACTOR = 0.4;
/** K of those that train. */
export const TRAINED_RANK = 4;

/** Names of a layer's scales and shifts, [D] each, which are added to the backbone's own. */
export function scaleShiftInputs(layer: number) {
  return {
    attention: { scale: `attention scale ${layer}`, shift: `attention shift ${layer}` },
    output: { scale: `output scale ${layer}`, shift: `output shift ${layer}` },
  } as const;
}

/** Names of a layer's low-rank updates, down [D, K] and up [K, D]. */
export function lowRankInputs(layer: number) {
  return {
    query: { down: `query down ${layer}`, up: `query up ${layer}` },
    value: { down: `value down ${layer}`, up: `value up ${layer}` },
  } as const;
}

/**
 * Scales and shifts start as the backbone's own: all zero. So do low-rank updates, as up is: down ~ N(0, 1/D) (Hu et
 * al. 2022).
 */
export function startInsertion(
  { kind, layer }: InsertionPlace,
  shape: GeneratorShape,
  random: () => number,
): TrainableInsertion {
  if (kind === "prompt_generator") return startGenerator(layer, shape, random);
  if (kind === "low_rank") {
    const { width } = shape;
    const product = () => ({
      down_DK: Float32Array.from({ length: width * TRAINED_RANK }, () => normal(random) / Math.sqrt(width)),
      up_KD: new Float32Array(TRAINED_RANK * width),
    });
    return { kind, layer, rank: TRAINED_RANK, query: product(), value: product() };
  }
  const vectors = () => ({ scale_D: new Float32Array(shape.width), shift_D: new Float32Array(shape.width) });
  return { kind, layer, attention: vectors(), output: vectors() };
}

export function parametersOf(insertion: TrainableInsertion, shape: GeneratorShape): Parameter[] {
  if (insertion.kind === "prompt_generator") {
    const [down, up, bias] = generatorInputs(insertion.layer);
    const dims = generatorDimensions(shape);
    const rateFactor = shape.readsText ? 1 : 0;
    return [
      { name: down, value: insertion.down_DM, shape: dims.down, decay: true, rateFactor },
      { name: up, value: insertion.up_ME, shape: dims.up, decay: true, rateFactor },
      { name: bias, value: insertion.bias_PD, shape: dims.bias, decay: false, rateFactor: 1 },
    ];
  }
  if (insertion.kind === "low_rank") {
    const names = lowRankInputs(insertion.layer);
    const { rank } = insertion;
    const matrix = { decay: true, rateFactor: LOW_RANK_RATE_FACTOR };
    return PRODUCT_SITES.flatMap((site) => [
      { ...matrix, name: names[site].down, value: insertion[site].down_DK, shape: [shape.width, rank] },
      { ...matrix, name: names[site].up, value: insertion[site].up_KD, shape: [rank, shape.width] },
    ]);
  }
  const names = scaleShiftInputs(insertion.layer);
  const vector = (name: string, value: Float32Array) => ({
    ...{ name, value, shape: [shape.width], decay: false },
    rateFactor: SCALE_SHIFT_RATE_FACTOR,
  });
  return [
    vector(names.attention.scale, insertion.attention.scale_D),
    vector(names.attention.shift, insertion.attention.shift_D),
    vector(names.output.scale, insertion.output.scale_D),
    vector(names.output.shift, insertion.output.shift_D),
  ];
}

/** Every array rounded as the adapter file will hold it. */
export function roundInsertion(insertion: TrainableInsertion): TrainableInsertion {
  if (insertion.kind === "prompt_generator") {
    const { down_DM, up_ME, bias_PD } = insertion;
    return {
      ...insertion,
      down_DM: roundToHalf(down_DM),
      up_ME: roundToHalf(up_ME),
      bias_PD: roundToHalf(bias_PD),
    };
  }
  if (insertion.kind === "low_rank") {
    const round = ({ down_DK, up_KD }: LowRank["query"]) => ({
      down_DK: roundToHalf(down_DK),
      up_KD: roundToHalf(up_KD),
    });
    return { ...insertion, query: round(insertion.query), value: round(insertion.value) };
  }
  const round = ({ scale_D, shift_D }: ScaleShift["output"]) => ({
    scale_D: roundToHalf(scale_D),
    shift_D: roundToHalf(shift_D),
  });
  return { ...insertion, attention: round(insertion.attention), output: round(insertion.output) };
}

/** Sorted as an adapter keeps them: by layer, then in the order of INSERTION_KINDS. */
export function toInsertions(trained: readonly TrainableInsertion[], shape: GeneratorShape): Insertion[] {
  const rank = ({ kind, layer }: InsertionPlace) =>
    INSERTION_KINDS.length * layer + INSERTION_KINDS.indexOf(kind);
  return trained
    .toSorted((one, other) => rank(one) - rank(other))
    .map((one) => (one.kind === "prompt_generator" ? toPromptGenerator(one, shape) : one));
}

export function lowestLayer(places: readonly InsertionPlace[]): number {
  return Math.min(...places.map(({ layer }) => layer));
}
