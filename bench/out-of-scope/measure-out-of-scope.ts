// One training, then rows of its labels and rows of none: how many the adapter's own threshold keeps and finds,
// and how well each of three scores tells them apart.
import { type Adapter, type Backbone, indexOfLargest, largest } from "#model";
import { type Classifier, createClassifier } from "#model/runtime";
import { train } from "#trainer";
import type { Dataset } from "#trainer/dataset";
import { classesOf, classifyDataset } from "../evaluate-adapter.ts";
import type { BenchIo } from "../io.ts";
import { createTrainingProgress } from "../training-progress.ts";
import { areaUnderRoc, shareBelowQuantile } from "./tell-apart.ts";

export interface MeasureOutOfScopeRequest {
  readonly backbone: Backbone;
  readonly dataset: Dataset;
  readonly test: Dataset;
  readonly strangers: Dataset;
  readonly seed: number;
  readonly threads: number;
}

export interface OutOfScopeResults {
  readonly rows: { readonly learned: number; readonly inScope: number; readonly outOfScope: number };
  readonly labels: number;
  /** Of the rows in scope, whether or not they were taken for out of scope. */
  readonly accuracy: number;
  /** What the training promised; absent where it chose no threshold. */
  readonly expectedInScopeRecall?: number;
  readonly inScopeRecall: number;
  readonly outOfScopeRecall: number;
  readonly scores: readonly {
    readonly score: keyof typeof SCORES;
    readonly auroc: number;
    readonly outOfScopeRecallAt95: number;
  }[];
}

/** Of logits [C] and the adapter's temperature; larger is more in scope. */
const SCORES = {
  max_logit: (logits_C: Float64Array) => largest(logits_C),
  top_probability: (logits_C: Float64Array, temperature: number) =>
    Math.exp(largest(logits_C) / temperature - logSumExp(logits_C, temperature)),
  energy: (logits_C: Float64Array, temperature: number) => logSumExp(logits_C, temperature),
} as const;

export async function measureOutOfScope(
  request: MeasureOutOfScopeRequest,
  io: BenchIo,
): Promise<OutOfScopeResults> {
  const { backbone, dataset, test, strangers, seed, threads } = request;
  const onProgress = createTrainingProgress(io, "out-of-scope");
  const { adapter, report } = await train({ backbone, dataset, options: { seed }, threads, onProgress });
  const classifier = await createClassifier(backbone, { threads, precision: "fp32" });
  try {
    const inside = await answer(classifier, adapter, test);
    const outside = await answer(classifier, adapter, strangers);
    const actual = classesOf(test, adapter.labels, "test.csv");
    const hits = inside.filter(({ label }, row) => label === actual[row]);
    const expected = report.heldOut.outOfScope?.expectedInScopeRecall;
    return {
      rows: { learned: dataset.examples.length, inScope: inside.length, outOfScope: outside.length },
      labels: adapter.labels.length,
      accuracy: hits.length / inside.length,
      ...(expected === undefined ? {} : { expectedInScopeRecall: expected }),
      inScopeRecall: inside.filter(({ outOfScope }) => !outOfScope).length / inside.length,
      outOfScopeRecall: outside.filter(({ outOfScope }) => outOfScope).length / outside.length,
      scores: compareScores(inside, outside, adapter.temperature),
    };
  } finally {
    await classifier.close();
  }
}

interface Answer {
  readonly logits_C: Float64Array;
  readonly label: number;
  readonly outOfScope: boolean;
}

async function answer(classifier: Classifier, adapter: Adapter, dataset: Dataset): Promise<Answer[]> {
  const named = { key: "out-of-scope", adapter: withReference(adapter) };
  const answers = await classifyDataset(classifier, named, dataset);
  return answers.map(({ scores_C, outOfScope }) => {
    const logits_C = logitsOf(scores_C);
    return { logits_C, label: indexOfLargest(logits_C), outOfScope };
  });
}

/** The logit of a further class, small enough to win nowhere and to change no other's score that can be seen. */
const REFERENCE_LOGIT = -30;

/** The adapter, with a class whose logit is known: from its score follow those of all others. */
function withReference(adapter: Adapter): Adapter {
  const { weight_CD, bias_C } = adapter.head;
  const width = weight_CD.length / bias_C.length;
  const head = {
    weight_CD: Float32Array.from([...weight_CD, ...new Float32Array(width)]),
    bias_C: Float32Array.from([...bias_C, REFERENCE_LOGIT]),
  };
  return { ...adapter, head, labels: [...adapter.labels, "reference"], temperature: 1 };
}

/** Without the reference. */
function logitsOf(scores_C: Float32Array): Float64Array {
  const reference = Math.log(scores_C.at(-1) ?? 0) - REFERENCE_LOGIT;
  return Float64Array.from(scores_C.subarray(0, -1), (score) => Math.log(score) - reference);
}

function compareScores(
  inside: readonly Answer[],
  outside: readonly Answer[],
  temperature: number,
): OutOfScopeResults["scores"] {
  return (Object.keys(SCORES) as (keyof typeof SCORES)[]).map((score) => {
    const scoreOf = ({ logits_C }: Answer) => SCORES[score](logits_C, temperature);
    const [inScope, outOfScope] = [inside.map(scoreOf), outside.map(scoreOf)];
    return {
      score,
      auroc: areaUnderRoc(inScope, outOfScope),
      outOfScopeRecallAt95: shareBelowQuantile(inScope, outOfScope, 0.05),
    };
  });
}

/** log Σ exp(logit / temperature) */
function logSumExp(logits_C: Float64Array, temperature: number): number {
  const top = largest(logits_C);
  const sum = logits_C.reduce((total, logit) => total + Math.exp((logit - top) / temperature), 0);
  return top / temperature + Math.log(sum);
}
