// Templates and label words of the public tasks, for backbones that predict words: the manual ones of LM-BFF
// (Gao et al. 2021, table 1). Measurements that compare with that paper need its words; the product does not.
import { type Backbone, DEFAULT_TEMPLATES } from "#model";

/** As options of a training. */
export interface LabelWords {
  readonly template: string;
  readonly labelWords: Record<string, string>;
}

const SENTIMENT: LabelWords = {
  template: "{text} It was {mask} .",
  labelWords: { positive: "great", negative: "terrible" },
};
const LIKENESS = "{text} {mask} , {text_pair}";

const BY_TASK: Readonly<Record<string, LabelWords>> = {
  sst2: SENTIMENT,
  mr: SENTIMENT,
  mpqa: SENTIMENT,
  subj: {
    template: "{text} This is {mask} .",
    labelWords: { subjective: "subjective", objective: "objective" },
  },
  trec: {
    template: "{mask}: {text}",
    labelWords: {
      abbreviation: "Expression",
      description: "Description",
      entity: "Entity",
      human: "Human",
      location: "Location",
      number: "Number",
    },
  },
  rte: { template: DEFAULT_TEMPLATES.pair, labelWords: { entailment: "Yes", not_entailment: "No" } },
  qnli: { template: DEFAULT_TEMPLATES.pair, labelWords: { entailment: "Yes", not_entailment: "No" } },
  mnli: {
    template: DEFAULT_TEMPLATES.pair,
    labelWords: { entailment: "Yes", neutral: "Maybe", contradiction: "No" },
  },
  mrpc: { template: LIKENESS, labelWords: { paraphrase: "Yes", not_paraphrase: "No" } },
  qqp: { template: LIKENESS, labelWords: { duplicate: "Yes", different: "No" } },
};

/** Undefined on a backbone that predicts no words, and for a task that is not among the paper's. */
export function labelWordsOf(task: string, { config }: Pick<Backbone, "config">): LabelWords | undefined {
  return config.pooling === "mask" ? BY_TASK[task] : undefined;
}
