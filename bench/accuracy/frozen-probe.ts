// What prompts are compared with: logistic regression on the frozen embeddings.
import type { Adapter, Backbone } from "#model";
import { fitLogisticRegression } from "#trainer";
import type { Dataset } from "#trainer/dataset";
import type { BareEncoder } from "../bare-encoder.ts";

/** scikit-learn's C: inverse strength of the penalty. */
export const PROBE_C = 10;

/** An adapter that is a head alone, so that the classifier which serves evaluates it like any other. */
export async function trainFrozenProbe(
  encoder: BareEncoder,
  backbone: Backbone,
  { examples, labels }: Dataset,
): Promise<Adapter> {
  const { width } = backbone.config;
  const head = fitLogisticRegression(
    {
      features_BD: await encoder.embed(examples.map(({ input }) => backbone.tokenizer.encode(input))),
      labels: examples.map(({ label }) => label),
      width,
      classes: labels.length,
    },
    { c: PROBE_C },
  );
  return { width, insertions: [], head, labels, temperature: 1 };
}
