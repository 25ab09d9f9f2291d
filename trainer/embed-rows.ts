// The first phase, embed: every row that a training reads, as token ids and as frozen vectors; the mode of
// pairs; whether the labels' names are learned beside the examples.
import { classesAmong } from "./dataset/learned-classes.ts";
import type { FrozenEncoder } from "./frozen-encoder.ts";
import { joinArrays } from "./join-arrays.ts";
import {
  judgeLabelNames,
  LABEL_NAMES_BELOW_ROWS,
  type LabelNamesReport,
  labelNameTexts,
} from "./label-names.ts";
import { type EmbeddedInputs, embedInputs } from "./pair-mode.ts";
import { createRandom } from "./random.ts";
import type { TrainingData } from "./spt/training-data.ts";
import type { TrainRequest } from "./train.ts";
import { createVerbalizer, type Verbalizer } from "./verbalizer.ts";

/** Examples stand first, then validation rows, then label names. */
export interface EmbeddedRows extends TrainingData {
  /** [n, F] frozen features. */
  readonly features: Float32Array;
  /** Rows by what they are for. `names` is empty where names are not taught. */
  readonly examples: readonly number[];
  readonly validation: readonly number[];
  readonly names: readonly number[];
  /** Absent where names were not tried. */
  readonly labelNames?: LabelNamesReport;
  /** On a backbone that predicts words. */
  readonly verbalizer?: Verbalizer;
}

/**
 * Throws TrainerError invalid_dataset for a label of the validation that the dataset lacks, invalid_options for
 * a template or label words that are of no use.
 */
export async function embedRows(request: TrainRequest, frozen: FrozenEncoder): Promise<EmbeddedRows> {
  const { backbone, dataset, validation, options } = request;
  const validationLabels = validation
    ? classesAmong(validation.dataset, dataset.labels, validation.fileName)
    : [];
  const rows = [...dataset.examples, ...(validation?.dataset.examples ?? [])];
  const exampleLabels = dataset.examples.map(({ label }) => label);
  const classes = dataset.labels.length;
  const verbalizer = createVerbalizer(backbone, dataset, options);
  const embedded = await embedInputs(
    { inputs: rows.map(({ input }) => input), labels: exampleLabels, classes },
    {
      tokenizer: backbone.tokenizer,
      width: backbone.config.width,
      embed: (encodings) => frozen.features(encodings),
      random: createRandom(options.seed),
      ...(request.signal ? { signal: request.signal } : {}),
      template: verbalizer?.template,
    },
  );
  const names = triesLabelNames(request) ? await embedNames(request, frozen, embedded) : undefined;
  const taught = names?.labelNames.taught ? names : undefined;
  const end = rows.length;
  return {
    backbone,
    pairMode: embedded.pairMode,
    classes,
    encodings: [...embedded.encodings, ...(taught?.encodings ?? [])],
    labels: [...exampleLabels, ...validationLabels, ...(taught?.labels ?? [])],
    features: taught ? joinArrays([embedded.features, taught.features]) : embedded.features,
    examples: range(0, exampleLabels.length),
    validation: range(exampleLabels.length, end),
    names: range(end, end + (taught?.labels.length ?? 0)),
    ...(names ? { labelNames: names.labelNames } : {}),
    ...(verbalizer ? { verbalizer } : {}),
  };
}

/**
 * Of single texts, and few: what a name adds to many is nothing, and to pairs unclear. A backbone that predicts
 * words has the names in its head already.
 */
function triesLabelNames({ backbone, dataset, options, ablation }: TrainRequest): boolean {
  return (
    backbone.config.pooling !== "mask" &&
    options.method !== "spt" &&
    ablation?.labelNames !== false &&
    dataset.examples.length < LABEL_NAMES_BELOW_ROWS &&
    dataset.examples.every(({ input }) => typeof input === "string")
  );
}

async function embedNames(
  { backbone, dataset }: TrainRequest,
  frozen: FrozenEncoder,
  embedded: EmbeddedInputs,
) {
  const texts = dataset.labels.flatMap((label, index) =>
    labelNameTexts(label).map((text) => ({ text, label: index })),
  );
  const encodings = texts.map(({ text }) => backbone.tokenizer.encode(text));
  const features = await frozen.features(encodings);
  const labels = texts.map(({ label }) => label);
  const exampleLabels = dataset.examples.map(({ label }) => label);
  const labelNames = judgeLabelNames(
    { features_BD: embedded.features, labels: exampleLabels },
    { features_BD: features, labels },
    { width: backbone.config.width, classes: dataset.labels.length },
  );
  return { encodings, features, labels, labelNames };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}
