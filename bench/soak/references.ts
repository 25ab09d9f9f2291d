// What each version must answer, by its digest: computed here, one version at a time, by a classifier of its own.
import { type Backbone, parseAdapter, serializeAdapter } from "#model";
import { type Classifier, createClassifier } from "#model/runtime";
import { kindOf } from "../load/tenants.ts";
import { makeAdapter } from "../serve/resident-adapters.ts";

/** By label, of each text. */
export type Expected = readonly ReadonlyMap<string, number>[];

/** As servers do by default. */
export const PRECISION = "int8";
/** Scores do not depend on the batch; an answer's are rounded. */
export const TOLERANCE = 1e-5;
/** Versions that follow each other differ by so much in some score, or a mix of them could not be seen. */
const APART_MIN = 0.1;

export class References {
  readonly #classifier: Classifier;
  readonly #backbone: Backbone;
  readonly #texts: readonly string[];
  readonly #byDigest = new Map<string, Expected>();

  private constructor(backbone: Backbone, texts: readonly string[], classifier: Classifier) {
    this.#backbone = backbone;
    this.#texts = texts;
    this.#classifier = classifier;
  }

  static async create(backbone: Backbone, texts: readonly string[], threads: number): Promise<References> {
    // Each version is asked for once: none need stay.
    const limits = { adapterCacheBytesMax: 64 * 1024 * 1024, adapterMemoryBytesMax: 0 };
    return new References(
      backbone,
      texts,
      await createClassifier(backbone, { threads, precision: PRECISION, ...limits }),
    );
  }

  /** What the adapter of a seed answers. */
  async compute(seed: number): Promise<Expected> {
    const made = makeAdapter(this.#backbone.config, seed, kindOf(seed));
    // As it is served: rounded as its file is.
    const adapter = parseAdapter(serializeAdapter(made, this.#backbone));
    const handle = { tenant: "reference", digest: `${seed}`, load: async () => adapter };
    const answers = await this.#classifier.classify(handle, this.#texts);
    return answers.map(
      ({ labels, scores_C }) => new Map(labels.map((label, index) => [label, scores_C[index] ?? Number.NaN])),
    );
  }

  set(digest: string, expected: Expected): void {
    this.#byDigest.set(digest, expected);
  }

  of(digest: string | undefined): Expected | undefined {
    return digest === undefined ? undefined : this.#byDigest.get(digest);
  }

  close(): Promise<void> {
    return this.#classifier.close();
  }
}

export function areApart(one: Expected, other: Expected | undefined): boolean {
  if (!other) return true;
  return one.every((scores, text) => largestDifference(scores, other[text]) > APART_MIN);
}

/** NaN where the labels are not the same. */
export function largestDifference(
  scores: ReadonlyMap<string, number>,
  expected: ReadonlyMap<string, number> | undefined,
): number {
  if (scores.size !== expected?.size) return Number.NaN;
  return Math.max(
    ...[...scores].map(([label, score]) => Math.abs(score - (expected.get(label) ?? Number.NaN))),
  );
}
