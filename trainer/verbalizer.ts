// On a backbone with a masked-language-model head a label is a word that its texts' template can be filled
// with (a verbalizer: pattern-exploiting training, Schick & Schütze 2021; LM-BFF, Gao et al. 2021). Here: the
// template of a training, the words of its labels, and the head that reads these words and nothing else.
import { type Backbone, DEFAULT_TEMPLATES, type Head, isPairTemplate, type TextInput } from "#model";
import { maskScale } from "#model/encoder";
import type { Dataset } from "./dataset/dataset.ts";
import { TrainerError } from "./errors.ts";
import type { HeadFit } from "./head/fit-logistic-regression.ts";
import { spokenName } from "./label-names.ts";
import type { TrainOptions } from "./options.ts";

export interface Verbalizer {
  readonly template: string;
  /** In the order of the dataset's labels. */
  readonly words: readonly string[];
  /** Logits of the words at the mask: what there is before anything is learned. */
  readonly head: Head;
}

/**
 * C of heads on vectors at a mask. These are of unit length too, but lie close together: a head needs larger
 * weights to tell them apart than on vectors of sentences (docs/decisions).
 */
export const MASK_REGULARIZATION_C = 100;

/** What a head is fitted to: the backbone's own vectors, or those that insertions were trained for. */
export type FittedVectors = "frozen" | "tuned";

/**
 * How a head is fitted. To frozen vectors at a mask near to the label words, which say much where examples are few;
 * to tuned ones without: training began at the words, and has left them where they misled (docs/decisions).
 */
export function headFitOf(verbalizer: Verbalizer | undefined, vectors: FittedVectors): HeadFit {
  if (!verbalizer) return {};
  const fit = { c: MASK_REGULARIZATION_C };
  return vectors === "frozen" ? { ...fit, center: verbalizer.head } : fit;
}

/**
 * Undefined where the backbone predicts no words. Throws TrainerError invalid_options for a template or label
 * words that this backbone or dataset has no use for.
 */
export function createVerbalizer(
  backbone: Backbone,
  { labels, examples }: Pick<Dataset, "labels" | "examples">,
  options: TrainOptions,
): Verbalizer | undefined {
  if (backbone.config.pooling !== "mask") {
    if (options.template === undefined && options.labelWords === undefined) return undefined;
    throw invalid(`template and labelWords need a backbone that predicts words; ${backbone.id} does not`);
  }
  const { labelWords = {} } = options;
  const unknown = Object.keys(labelWords).find((label) => !labels.includes(label));
  if (unknown !== undefined) throw invalid(`labelWords names "${unknown}", which is no label of the dataset`);
  const words = labels.map((label) => labelWords[label] ?? spokenName(label));
  checkWords(backbone, { labels, words, labelWords });
  const template = templateFor(
    options,
    examples.map(({ input }) => input),
  );
  return { template, words, head: labelWordHead(backbone, words) };
}

/** Of labels whose words were given: a mistake there is told; names are as the file has them. */
function checkWords(
  { tokenizer }: Backbone,
  { labels, words, labelWords }: { labels: readonly string[]; words: readonly string[]; labelWords: object },
): void {
  const pieces = words.map((word) => tokenizer.wordIds(word).join());
  const labelsByPiece = Map.groupBy(pieces.keys(), (index) => pieces[index]);
  for (const label of Object.keys(labelWords)) {
    const own = labels.indexOf(label);
    const piece = pieces[own] ?? "";
    if (piece === "") throw invalid(`labelWords gives "${label}" no word that this backbone knows`);
    const twin = labelsByPiece.get(piece)?.find((index) => index !== own);
    if (twin === undefined) continue;
    const both = `the label words of "${label}" and "${labels[twin]}"`;
    throw invalid(`${both} are the same to this backbone; give each its own`);
  }
}

function templateFor({ template }: TrainOptions, inputs: readonly TextInput[]): string {
  const hasPairs = inputs.some((input) => typeof input !== "string");
  if (template === undefined) return hasPairs ? DEFAULT_TEMPLATES.pair : DEFAULT_TEMPLATES.single;
  if (hasPairs || !isPairTemplate(template)) return template;
  throw invalid("the template has {text_pair}, and the dataset's rows are single texts");
}

/**
 * The decoder's rows of each label's words, the mean of several word pieces', scaled as textFeatures are:
 * weight_CD · features_D + bias_C are logits of the masked language model. A label without a word is 0.
 */
export function labelWordHead({ config, weights, tokenizer }: Backbone, words: readonly string[]): Head {
  const { maskHead } = weights;
  if (!maskHead) throw new Error("invariant: label words need a masked-language-model head");
  const { width } = config;
  const weight_CD = new Float32Array(words.length * width);
  const bias_C = new Float32Array(words.length);
  const scale = maskScale(maskHead);
  for (const [label, word] of words.entries()) {
    const ids = tokenizer.wordIds(word);
    const row = weight_CD.subarray(label * width, (label + 1) * width);
    for (const id of ids) {
      const piece = maskHead.decoder_VD.subarray(id * width, (id + 1) * width);
      for (let d = 0; d < width; d++) row[d] = (row[d] ?? 0) + (scale * (piece[d] ?? 0)) / ids.length;
      bias_C[label] = (bias_C[label] ?? 0) + (maskHead.bias_V[id] ?? 0) / ids.length;
    }
  }
  return { weight_CD, bias_C };
}

function invalid(problem: string): TrainerError {
  return new TrainerError("invalid_options", `${problem}.`);
}
