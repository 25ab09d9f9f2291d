// Pairs of texts: joint, as one sequence, or dual, each text alone. Cross-validation on frozen vectors
// decides; single texts are one sequence either way.
import {
  type Encoding,
  featureWidth,
  type PairMode,
  pairFeatures,
  type TextInput,
  type Tokenizer,
} from "#model";
import { firstRowsOf } from "./dataset/find-repeats.ts";
import { crossValidate, crossValidationFolds } from "./head/cross-validate.ts";
import { turnTaker } from "./take-turns.ts";

/** Sequences of each example: its encodings stand at parts·i … parts·i + parts - 1. */
export function partsOf(pairMode: PairMode): 1 | 2 {
  return pairMode === "dual" ? 2 : 1;
}

/** The event loop turns meanwhile. Rejects with the signal's reason. */
export async function encodeExamples(
  { tokenizer, signal }: { tokenizer: Tokenizer; signal?: AbortSignal },
  inputs: readonly TextInput[],
  { pairMode, template }: { pairMode: PairMode; template?: string | undefined },
): Promise<Encoding[]> {
  const encodings: Encoding[] = [];
  const takeTurns = turnTaker(signal);
  for (const input of inputs) {
    if (pairMode === "dual" && typeof input !== "string")
      encodings.push(tokenizer.encode(input.text), tokenizer.encode(input.textPair));
    else encodings.push(tokenizer.encode(input, template));
    await takeTurns(typeof input === "string" ? input.length : input.text.length + input.textPair.length);
  }
  return encodings;
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

export interface EmbeddedInputs {
  readonly pairMode: PairMode;
  /** Sequences: one an input, or two for dual pairs, side by side. */
  readonly encodings: readonly Encoding[];
  /** [n, F] */
  readonly features: Float32Array;
}

/**
 * Frozen features of all inputs. Pairs are dual, unless joint predicts held-out rows better by more than a
 * standard error. The first inputs are those that `labels` are of, and decide.
 */
export async function embedInputs(
  { inputs, labels, classes }: { inputs: readonly TextInput[]; labels: readonly number[]; classes: number },
  tools: {
    readonly tokenizer: Tokenizer;
    readonly width: number;
    /** Vectors [E, D] of the frozen encoder. */
    readonly embed: (encodings: readonly Encoding[]) => Promise<Float32Array>;
    readonly random: () => number;
    readonly signal?: AbortSignal;
    /** Of a backbone that is read at the mask of one: pairs are joint then. */
    readonly template?: string | undefined;
  },
): Promise<EmbeddedInputs> {
  const inMode = async (pairMode: PairMode): Promise<EmbeddedInputs> => {
    const encodings = await encodeExamples(tools, inputs, { pairMode, template: tools.template });
    const features = exampleFeatures(await tools.embed(encodings), tools.width, pairMode);
    return { pairMode, encodings, features };
  };
  const joint = await inMode("joint");
  if (tools.template !== undefined || inputs.every((input) => typeof input === "string")) return joint;
  const dual = await inMode("dual");
  const folds = crossValidationFolds(labels, tools.random, firstRowsOf(inputs.slice(0, labels.length)));
  const figures = ({ pairMode, features: features_BD }: EmbeddedInputs) =>
    crossValidate(
      { features_BD, labels, width: featureWidth(tools.width, pairMode), classes },
      folds,
      tools.signal ? { signal: tools.signal } : {},
    );
  const [ofJoint, ofDual] = [await figures(joint), await figures(dual)];
  // standard-error.ts in hits: of shares, rounding would decide some ties (20 of 25 against 22).
  const error = Math.sqrt(ofDual.hits * (1 - ofDual.hits / ofDual.rows));
  return ofJoint.hits - ofDual.hits > error ? joint : dual;
}
