// Pairs of texts: joint, as one sequence, or dual, each text alone. Cross-validation on frozen vectors
// decides; single texts are one sequence either way.
import { type Encoding, type PairMode, pairFeatures, type TextInput, type Tokenizer } from "#model";
import { must } from "#model/graph";
import { negativeLogLikelihood } from "./calibrate.ts";
import { foldsStratified } from "./dataset/split.ts";
import { fitLogisticRegression, headLogits } from "./head/fit-logistic-regression.ts";
import { pickRows } from "./pick-rows.ts";

/** Sequences of each example: its encodings stand at parts·i … parts·i + parts - 1. */
export function partsOf(pairMode: PairMode): 1 | 2 {
  return pairMode === "dual" ? 2 : 1;
}

export function encodeExamples(
  tokenizer: Tokenizer,
  inputs: readonly TextInput[],
  pairMode: PairMode,
): Encoding[] {
  return inputs.flatMap((input) =>
    pairMode === "dual" && typeof input !== "string"
      ? [tokenizer.encode(input.text), tokenizer.encode(input.textPair)]
      : [tokenizer.encode(input)],
  );
}

/** Unit vectors [E, D] of all sequences → features [n, F] of the examples. */
export function exampleFeatures(vectors_ED: Float32Array, width: number, pairMode: PairMode): Float32Array {
  if (pairMode === "joint") return vectors_ED;
  const at = (row: number) => vectors_ED.subarray(row * width, (row + 1) * width);
  const examples = vectors_ED.length / (2 * width);
  const features = new Float32Array(examples * (2 * width + 1));
  for (let example = 0; example < examples; example++) {
    features.set(pairFeatures(at(2 * example), at(2 * example + 1)), example * (2 * width + 1));
  }
  return features;
}

const FOLDS = 4;

/** The mode whose frozen features predict held-out rows better; joint where there is no difference. */
export async function choosePairMode(
  { inputs, labels, classes }: { inputs: readonly TextInput[]; labels: readonly number[]; classes: number },
  tools: {
    readonly tokenizer: Tokenizer;
    readonly width: number;
    /** Unit vectors [E, D] of the frozen encoder. */
    readonly embed: (encodings: readonly Encoding[]) => Promise<Float32Array>;
    readonly random: () => number;
  },
): Promise<PairMode> {
  if (inputs.every((input) => typeof input === "string")) return "joint";
  const folds = foldsStratified(labels, FOLDS, tools.random);
  const figures = async (pairMode: PairMode) => {
    const vectors = await tools.embed(encodeExamples(tools.tokenizer, inputs, pairMode));
    const features = exampleFeatures(vectors, tools.width, pairMode);
    return crossValidate({ features, labels, classes }, folds);
  };
  const [joint, dual] = [await figures("joint"), await figures("dual")];
  const isDualBetter = dual.hits === joint.hits ? dual.loss < joint.loss : dual.hits > joint.hits;
  return isDualBetter ? "dual" : "joint";
}

/** Of logistic regression: rows right, and the sum of their negative log-likelihoods. */
function crossValidate(
  { features, labels, classes }: { features: Float32Array; labels: readonly number[]; classes: number },
  folds: readonly (readonly number[])[],
): { hits: number; loss: number } {
  const width = features.length / labels.length;
  const pick = (indices: readonly number[]) => ({
    features_BD: pickRows(features, width, indices),
    labels: indices.map((index) => must(labels[index], "label")),
  });
  let [hits, loss] = [0, 0];
  for (const held of folds.filter(({ length }) => length > 0)) {
    const learned = folds.filter((fold) => fold !== held).flat();
    const head = fitLogisticRegression({ ...pick(learned), width, classes });
    const { features_BD, labels: actual } = pick(held);
    const logits = headLogits(head, features_BD, width);
    hits += actual.filter((label, row) => {
      const own = logits.subarray(row * classes, (row + 1) * classes);
      return own.indexOf(Math.max(...own)) === label;
    }).length;
    loss += actual.length * negativeLogLikelihood(logits, actual, classes, 1);
  }
  return { hits, loss };
}
