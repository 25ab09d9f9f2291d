// What insertions are compared with: logistic regression on the frozen embeddings; of pairs, on the better
// of both modes by cross-validation, as the trainer chooses. Where the backbone predicts words, on the vector
// at the mask, of which no label's word is known.
import { type Adapter, featureWidth } from "#model";
import {
  createRandom,
  embedInputs,
  type FrozenEncoder,
  fitLogisticRegression,
  MASK_REGULARIZATION_C,
} from "#trainer";
import type { Dataset } from "#trainer/dataset";
import { templateOf } from "../template.ts";

/** scikit-learn's C: inverse strength of the penalty; at a mask MASK_REGULARIZATION_C, as the trainer's. */
export const PROBE_C = 10;

/**
 * An adapter that is a head alone, so that the classifier which serves evaluates it like any other. A template
 * is given on backbones that need one only; the default where none is.
 */
export async function trainFrozenProbe(
  encoder: FrozenEncoder,
  dataset: Dataset,
  given?: string,
): Promise<Adapter> {
  const { config, tokenizer } = encoder.backbone;
  const { width } = config;
  const hasPairs = dataset.examples.some(({ input }) => typeof input !== "string");
  const template = given ?? templateOf(config, hasPairs ? "pair" : "single");
  const inputs = dataset.examples.map(({ input }) => input);
  const labels = dataset.examples.map(({ label }) => label);
  const classes = dataset.labels.length;
  const { pairMode, features: features_BD } = await embedInputs(
    { inputs, labels, classes },
    {
      ...{ tokenizer, width, template, random: createRandom(0) },
      embed: (encodings) => encoder.features(encodings),
    },
  );
  const head = await fitLogisticRegression(
    { features_BD, labels, width: featureWidth(width, pairMode), classes },
    { c: template === undefined ? PROBE_C : MASK_REGULARIZATION_C },
  );
  const adapter = { width, insertions: [], pairMode, head, labels: dataset.labels, temperature: 1 };
  return template === undefined ? adapter : { ...adapter, template };
}
