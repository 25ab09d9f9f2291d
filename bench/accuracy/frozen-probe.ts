// What insertions are compared with: logistic regression on the frozen embeddings; of pairs, on the better
// of both modes by cross-validation, as the trainer chooses.
import { type Adapter, type Backbone, featureWidth } from "#model";
import { createRandom, embedInputs, type FrozenEncoder, fitLogisticRegression } from "#trainer";
import type { Dataset } from "#trainer/dataset";

/** scikit-learn's C: inverse strength of the penalty. */
export const PROBE_C = 10;

/** An adapter that is a head alone, so that the classifier which serves evaluates it like any other. */
export async function trainFrozenProbe(
  encoder: FrozenEncoder,
  { config, tokenizer }: Backbone,
  dataset: Dataset,
): Promise<Adapter> {
  const { width } = config;
  const inputs = dataset.examples.map(({ input }) => input);
  const labels = dataset.examples.map(({ label }) => label);
  const classes = dataset.labels.length;
  const { pairMode, features: features_BD } = await embedInputs(
    { inputs, labels, classes },
    { tokenizer, width, embed: (encodings) => encoder.features(encodings), random: createRandom(0) },
  );
  const head = await fitLogisticRegression(
    { features_BD, labels, width: featureWidth(width, pairMode), classes },
    { c: PROBE_C },
  );
  return { width, insertions: [], pairMode, head, labels: dataset.labels, temperature: 1 };
}
