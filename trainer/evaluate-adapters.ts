// Figures of adapters on one test set, answered as a server answers: by the classifier, in the precision it chooses.
// In the training's process, beside nothing else.
import { type AdapterFiles, type Backbone, indexOfLargest, ModelError, parseAdapter } from "#model";
import { type Classifier, createClassifier } from "#model/runtime";
import type { Dataset } from "./dataset/dataset.ts";
import { evaluateDataset } from "./evaluate.ts";

export interface TestFigures {
  readonly accuracy: number;
  readonly macroF1: number;
  /** All of the test set. */
  readonly rows: number;
  readonly precision: "fp32" | "int8";
}

/** In the order of the adapters; undefined for one that cannot answer such texts, or is none on this backbone. */
export async function evaluateAdapters(
  backbone: Backbone,
  adapters: readonly AdapterFiles[],
  dataset: Dataset,
): Promise<(TestFigures | undefined)[]> {
  const classifier = await createClassifier(backbone);
  try {
    const figures: (TestFigures | undefined)[] = [];
    for (const [index, files] of adapters.entries()) {
      figures.push(await evaluateOne(classifier, files, { digest: String(index), dataset }));
    }
    return figures;
  } finally {
    await classifier.close();
  }
}

async function evaluateOne(
  classifier: Classifier,
  files: AdapterFiles,
  { digest, dataset }: { digest: string; dataset: Dataset },
): Promise<TestFigures | undefined> {
  try {
    const adapter = parseAdapter(files);
    const { labels } = adapter;
    const handle = { tenant: "test set", digest, load: async () => adapter };
    const { accuracy, macroF1, n } = await evaluateDataset({
      dataset,
      labels,
      answer: async (inputs) =>
        (await classifier.classify(handle, inputs)).map(
          ({ scores_C }) => labels[indexOfLargest(scores_C)] ?? "",
        ),
    });
    return { accuracy, macroF1, rows: n, precision: classifier.precision };
  } catch (error) {
    // A test set of pairs for single texts, or the reverse: no reason to lose a training that succeeded.
    if (error instanceof ModelError) return undefined;
    throw error;
  }
}
