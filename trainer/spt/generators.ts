// Trainable prompt generators: their sizes, how they start, and their names as graph inputs.
import type { GeneratorPooling, PromptGenerator } from "#model";
import { slotsOf } from "#model/spt";
import { normal } from "../random.ts";

export interface GeneratorShape {
  readonly width: number;
  readonly promptTokens: number;
  readonly bottleneck: number;
  readonly pooling: GeneratorPooling;
  /** False: the matrices stay zero and the biases, the same prompts for every text, are all that trains. */
  readonly readsText: boolean;
}

/** Weights in the order of `generatorInputs`; updated in place by the optimizer. */
export interface GeneratorWeights {
  readonly kind: "prompt_generator";
  readonly layer: number;
  readonly down_DM: Float32Array;
  readonly up_ME: Float32Array;
  readonly bias_PD: Float32Array;
}

export function generatorInputs(layer: number): readonly [down: string, up: string, bias: string] {
  return [`down ${layer}`, `up ${layer}`, `bias ${layer}`];
}

export function generatorDimensions({ width, promptTokens, bottleneck, pooling }: GeneratorShape) {
  const upColumns = (promptTokens * width) / slotsOf(pooling, promptTokens);
  return { down: [width, bottleneck], up: [bottleneck, upColumns], bias: [promptTokens, width] } as const;
}

/**
 * down ~ N(0, 1/D), so that the bottleneck starts in tanh's linear range; up and bias ~ N(0, 0.02²),
 * the spread of BERT's own embeddings, so that prompts start small and unlike each other.
 */
export function startGenerator(layer: number, shape: GeneratorShape, random: () => number): GeneratorWeights {
  const { down, up, bias } = generatorDimensions(shape);
  const draw = (size: readonly number[], deviation: number) =>
    Float32Array.from({ length: (size[0] ?? 0) * (size[1] ?? 0) }, () => deviation * normal(random));
  return {
    kind: "prompt_generator",
    layer,
    down_DM: draw(down, shape.readsText ? 1 / Math.sqrt(shape.width) : 0),
    up_ME: draw(up, shape.readsText ? 0.02 : 0),
    bias_PD: draw(bias, 0.02),
  };
}

export function toPromptGenerator(weights: GeneratorWeights, shape: GeneratorShape): PromptGenerator {
  const { pooling, promptTokens, bottleneck } = shape;
  return { pooling, promptTokens, bottleneck, ...weights };
}
