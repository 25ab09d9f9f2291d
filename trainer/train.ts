// The third step, train: dataset in, adapter and report out. Runs in the caller's process; see
// train-in-child.ts for the way servers and the command line call it.
//
//   embed     frozen vectors of all texts; heads start as logistic regressions on them
//   search    gates and insertions of all layers on two halves, which selects the insertions
//   validate  candidates on held-out rows: the selected insertions, others, none; figures, temperature
//   retrain   the chosen candidate on all examples, gates hard
//   head      the head refitted on the tuned vectors
//   report    the chosen candidate on rows that were not yet held out, for the report's figures alone
import { type Adapter, type Backbone, featureWidth, type Head, roundToHalf } from "#model";
import { must } from "#model/graph";
import { compareHeldOut } from "./compare-held-out.ts";
import { createReport } from "./create-report.ts";
import type { Dataset } from "./dataset/dataset.ts";
import { firstRowsOf } from "./dataset/find-repeats.ts";
import { splitHalves } from "./dataset/split.ts";
import { type EmbeddedRows, embedRows } from "./embed-rows.ts";
import { FrozenEncoder, type StatesSource } from "./frozen-encoder.ts";
import { fitLogisticRegression } from "./head/fit-logistic-regression.ts";
import { headLogits } from "./head/head-logits.ts";
import { describeHeldOut } from "./held-out-report.ts";
import type { Retraining } from "./job.ts";
import { joinArrays } from "./join-arrays.ts";
import type { TrainOptions } from "./options.ts";
import { partsOf } from "./pair-mode.ts";
import { createPhaseClock, type PhaseClock } from "./phase-clock.ts";
import { pick, pickRows } from "./pick-rows.ts";
import { everywhere, isEverywhere, isPreferred } from "./preferred.ts";
import { createRandom } from "./random.ts";
import type {
  ComparisonReport,
  DeviceReport,
  HeldOutReport,
  TrainingProgress,
  TrainingReport,
} from "./report.ts";
import { type Ablation, ablate, type Settings, settingsFor } from "./settings.ts";
import {
  type InsertionPlace,
  lowestLayer,
  roundInsertion,
  startInsertion,
  type TrainableInsertion,
  toInsertions,
} from "./spt/insertions.ts";
import { type SearchResult, searchInsertions, selectInsertions } from "./spt/search-insertions.ts";
import { trainableHead } from "./spt/training-data.ts";
import { InsertionTuner } from "./spt/tune-insertions.ts";
import {
  bestCandidate,
  type Candidate,
  type CandidateTrial,
  type Fold,
  foldCounts,
  foldsForReport,
  foldsOfHalves,
  type HeldOutAnswers,
  type HeldOutFigures,
  hasInsertions,
  type InsertionCandidate,
  validateCandidates,
} from "./validate-candidates.ts";
import { type FittedVectors, headFitOf } from "./verbalizer.ts";
import { type LimitedRequest, withinLimits } from "./within-limits.ts";

export interface TrainRequest {
  readonly backbone: Backbone;
  readonly dataset: Dataset;
  /** The rows that decide between candidates, in place of parts of `dataset`. Nothing is learned from them. */
  readonly validation?: { readonly dataset: Dataset; readonly fileName: string };
  /** The first rows are of that version, those after them feedback on it: the report says what they are worth. */
  readonly retraining?: Retraining;
  readonly options: TrainOptions;
  readonly ablation?: Ablation;
  /** Threads of a forward or backward pass; 0 lets onnxruntime choose. */
  readonly threads?: number;
  /** What chooseDevice gave. Default: the CPU. */
  readonly device?: DeviceReport;
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** Aborting rejects with the signal's reason at the next forward pass or fit of a head, in whatever phase. */
  readonly signal?: AbortSignal;
}

export interface TrainResult {
  readonly adapter: Adapter;
  readonly report: TrainingReport;
}

/**
 * Deterministic: same data, options, backbone and machine give the same adapter. Throws TrainerError
 * invalid_dataset for a label of the validation that the dataset lacks, invalid_options for a template or label
 * words that the backbone or the dataset has no use for.
 */
export async function train(given: TrainRequest): Promise<TrainResult> {
  const request = withinLimits(given);
  const clock = createPhaseClock(request.onProgress);
  const frozen = await FrozenEncoder.create(request.backbone, encoderRuntime(request));
  let training: Training | undefined;
  try {
    clock.start("embed");
    training = new Training(request, { frozen, clock, rows: await embedRows(request, frozen) });
    return await training.run();
  } finally {
    await training?.close();
    await frozen.close();
  }
}

/** What tuning needs besides the rows to learn from. */
interface TuneParts {
  readonly insertions: readonly InsertionPlace[];
  readonly steps: number;
  readonly learningRate: number;
}

/** The chosen candidate after all examples. */
interface Retrained {
  readonly insertions: TrainableInsertion[];
  readonly head: Head;
  /** [n, F] of all rows. */
  readonly features: Float32Array;
}

class Training {
  readonly #request: LimitedRequest;
  readonly #frozen: FrozenEncoder;
  readonly #rows: EmbeddedRows;
  readonly #settings: Settings;
  readonly #random: () => number;
  readonly #clock: PhaseClock;
  readonly #tuner: InsertionTuner;
  readonly #states = new Map<number, Promise<StatesSource>>();
  readonly #probes = new Map<readonly number[], Promise<Head>>();

  constructor(
    request: LimitedRequest,
    { frozen, rows, clock }: { frozen: FrozenEncoder; rows: EmbeddedRows; clock: PhaseClock },
  ) {
    const { backbone, dataset, validation, options } = request;
    this.#request = request;
    this.#frozen = frozen;
    this.#rows = rows;
    const { width, layers } = backbone.config;
    const { pairMode, verbalizer } = rows;
    const examples = dataset.examples.length;
    const sizes = { examples, width, layers, pairMode, verbalizer: verbalizer !== undefined };
    const told = { hasValidation: validation !== undefined, isCompared: request.retraining !== undefined };
    const settings = settingsFor(options, { ...sizes, ...foldCounts(examples, told) });
    this.#settings = ablate(settings, request.ablation ?? {});
    const { shape, contrastive } = this.#settings;
    this.#tuner = new InsertionTuner(rows, { shape, contrastive, ...encoderRuntime(request) });
    this.#random = createRandom(options.seed);
    this.#clock = clock;
    clock.plan(this.#settings);
  }

  close(): Promise<void> {
    return this.#tuner.close();
  }

  get #isRounded(): boolean {
    return this.#request.ablation?.rounded !== false;
  }

  async run(): Promise<TrainResult> {
    const { labels, examples, pairMode, verbalizer } = this.#rows;
    const firstRows = firstRowsOf(this.#request.dataset.examples.map(({ input }) => input));
    const halves = splitHalves(pick(labels, examples), this.#random, firstRows);
    const search = this.#settings.searchSteps > 0 ? await this.#search(halves) : undefined;
    const selected = search && selectInsertions(search.gates, this.#settings.insertionsMax);
    const figures = await this.#validate(this.#folds(halves), selected);
    const isOwnPreferred = (candidate: Candidate) =>
      isPreferred(candidate, this.#settings, this.#request.backbone);
    const chosen = bestCandidate(this.#allowed(figures), isOwnPreferred);
    const retrained = await this.#retrain(chosen.candidate);
    const { insertions, head } = retrained;
    // Last, so that what it draws at random changes nothing of the adapter.
    const answers = await this.#heldOutAnswers(chosen, halves);
    const heldOut = await this.#describeHeldOut(chosen, { answers, halves, retrained });
    const comparison = await this.#compare(chosen.candidate, { answers, halves });
    const { outOfScope } = heldOut;
    const adapter: Adapter = {
      width: this.#settings.shape.width,
      insertions: toInsertions(insertions, this.#settings.shape),
      pairMode,
      ...(verbalizer ? { template: verbalizer.template } : {}),
      head: this.#isRounded ? roundHead(head) : head,
      labels: this.#request.dataset.labels,
      temperature: chosen.temperature,
      ...(outOfScope ? { outOfScope: { score: "max_logit", below: outOfScope.below } } : {}),
    };
    const truncatedExamples = this.#countTruncated();
    const { labelNames } = this.#rows;
    const { sampledFrom } = this.#request;
    const words = verbalizer && { template: verbalizer.template, words: verbalizer.words };
    const told = {
      ...{ sampledFrom, truncatedExamples, labelNames, verbalizer: words },
      ...{ heldOut, comparison, figures, chosen, isPreferred: isOwnPreferred },
    };
    const parts = { adapter, search, ...told, clock: this.#clock };
    const report = createReport(this.#request, parts);
    return { adapter, report };
  }

  async #search([weightHalf, gateHalf]: readonly [number[], number[]]): Promise<SearchResult> {
    const { shape, searchSteps, searchLearningRate, ...rest } = this.#settings;
    this.#clock.start("search");
    const head = trainableHead(await this.#startHead(weightHalf));
    const statesAt0 = await this.#statesEntering(0);
    return searchInsertions(
      this.#rows,
      { weightHalf: this.#withNames(weightHalf), gateHalf, head, statesAt0 },
      {
        ...rest,
        ...encoderRuntime(this.#request),
        random: this.#random,
        shape,
        steps: searchSteps,
        learningRate: searchLearningRate,
        onStep: (_, loss, gates) => this.#clock.step({ loss, gates: gates.map(({ value }) => value) }),
      },
    );
  }

  /** Every candidate on held-out rows. Those that learn less come first: where it is a draw, the simpler wins. */
  async #validate(
    folds: readonly Fold[],
    selected: readonly InsertionPlace[] | undefined,
  ): Promise<HeldOutFigures[]> {
    this.#clock.start("validate");
    const data = { folds, labels: this.#rows.labels, classes: this.#request.dataset.labels };
    const untuned: Candidate[] = this.#rows.verbalizer ? ["label_words", undefined] : [undefined];
    return validateCandidates([...untuned, ...this.#candidates(selected)], data, (trial) =>
      this.#heldOutLogits(trial),
    );
  }

  /** The selected insertions at each learning rate, and those that stand at every layer. */
  #candidates(selected: readonly InsertionPlace[] | undefined): InsertionCandidate[] {
    const { learningRates, everywhere: kinds, fixed } = this.#settings;
    const { backbone } = this.#request;
    if (fixed) return learningRates.map((learningRate) => ({ learningRate, insertions: fixed }));
    const searched = selected
      ? learningRates.map((learningRate) => ({ learningRate, insertions: selected }))
      : [];
    if (kinds.length === 0) return searched;
    // The search may have come to the same.
    if (searched.some((candidate) => isEverywhere(candidate, backbone, kinds))) return searched;
    const insertions = everywhere(backbone, kinds);
    return [...searched, { learningRate: must(learningRates[0], "learning rate"), insertions }];
  }

  async #heldOutLogits({ candidate, learn, held }: CandidateTrial): Promise<Float32Array> {
    if (!hasInsertions(candidate)) {
      return this.#logitsOf(await this.#untunedHead(candidate, learn), this.#rows.features, held);
    }
    const steps = this.#settings.validationSteps;
    const insertions = await this.#tune(learn, { ...candidate, steps });
    const tuned = await this.#tunedFeatures(insertions);
    return this.#logitsOf(await this.#fitHead(tuned, learn, "tuned"), tuned, held);
  }

  /** Of every row that is held out: those that decided, and others. */
  async #heldOutAnswers(
    { candidate, answers }: HeldOutFigures,
    halves: readonly [number[], number[]],
  ): Promise<HeldOutAnswers> {
    const folds = this.#request.validation ? [] : foldsForReport(halves);
    if (folds.length > 0 || this.#request.retraining) this.#clock.start("report");
    const others = await this.#answersOf(candidate, folds);
    const logits_BC = joinArrays([answers.logits_BC, others.logits_BC]);
    return { held: [...answers.held, ...others.held], logits_BC };
  }

  async #describeHeldOut(
    { candidate, temperature }: HeldOutFigures,
    {
      answers: { held, logits_BC },
      halves,
      retrained,
    }: { answers: HeldOutAnswers; halves: readonly [number[], number[]]; retrained: Retrained },
  ): Promise<HeldOutReport> {
    const { dataset, validation } = this.#request;
    const examples = [...dataset.examples, ...(validation?.dataset.examples ?? [])];
    const whole = held.length === dataset.examples.length ? "every_example_once" : "half_of_the_examples";
    const inScope = validation
      ? [this.#logitsOf(retrained.head, retrained.features, held)]
      : [logits_BC, ...(await this.#crossAnswers(candidate, retrained.features, halves))];
    return describeHeldOut(
      { logits_BC, temperature, inScope },
      {
        from: validation ? "validation_file" : whole,
        labels: pick(this.#rows.labels, held),
        rows: pick(examples, held).map(({ row }) => row),
        classes: dataset.labels,
      },
    );
  }

  /** On the same folds, what is learned without feedback. */
  async #compare(
    candidate: Candidate,
    { answers, halves }: { answers: HeldOutAnswers; halves: readonly [number[], number[]] },
  ): Promise<ComparisonReport | undefined> {
    const { retraining, dataset, validation } = this.#request;
    if (!retraining || validation) return undefined;
    const isFeedback = (index: number) =>
      must(dataset.examples[index], "example").row > retraining.rowsBefore;
    const folds = [...this.#folds(halves), ...foldsForReport(halves)].map(({ learn, held }) => ({
      learn: learn.filter((index) => !isFeedback(index)),
      held,
    }));
    const production = await this.#answersOf(candidate, folds);
    const { version } = retraining;
    const labels = pick(this.#rows.labels, answers.held);
    return compareHeldOut(
      { candidate: answers.logits_BC, production: production.logits_BC },
      { version, labels, classes: dataset.labels, isFeedback: answers.held.map(isFeedback) },
    );
  }

  async #answersOf(candidate: Candidate, folds: readonly Fold[]): Promise<HeldOutAnswers> {
    const parts: Float32Array[] = [];
    for (const fold of folds) parts.push(await this.#heldOutLogits({ candidate, ...fold }));
    return { held: folds.flatMap(({ held }) => held), logits_BC: joinArrays(parts) };
  }

  /**
   * The examples as heads see them that learned from the other half alone, on the adapter's own features. These
   * have seen the rows, so their logits are too large; those of the candidates, which had half the examples and
   * fewer steps, are too small. See out-of-scope.ts. None of label words as they are: these have learned nothing, and
   * answer every row as a new one.
   */
  async #crossAnswers(
    candidate: Candidate,
    features: Float32Array,
    [first, second]: readonly [number[], number[]],
  ): Promise<Float32Array[]> {
    if (candidate === "label_words") return [];
    const vectors = hasInsertions(candidate) ? "tuned" : "frozen";
    const answersOf = async (learn: number[], held: number[]) =>
      this.#logitsOf(await this.#fitHead(features, learn, vectors), features, held);
    return [joinArrays([await answersOf(first, second), await answersOf(second, first)])];
  }

  #logitsOf(head: Head, features_BD: Float32Array, rows: readonly number[]): Float32Array {
    const width = this.#featureWidth();
    return headLogits(head, pickRows(features_BD, width, rows), width);
  }

  #allowed(figures: readonly HeldOutFigures[]): readonly HeldOutFigures[] {
    const always = this.#request.options.method === "spt" || this.#settings.fixed;
    return always ? figures.filter(({ candidate }) => hasInsertions(candidate)) : figures;
  }

  async #retrain(candidate: Candidate): Promise<Retrained> {
    const { examples, features } = this.#rows;
    if (!hasInsertions(candidate)) {
      return { insertions: [], head: await this.#untunedHead(candidate, examples), features };
    }
    this.#clock.start("retrain");
    const tuned = await this.#tune(examples, { ...candidate, steps: this.#settings.retrainSteps });
    this.#clock.start("head");
    // Rounded as the adapter file will hold them, before the head is fitted to what they give.
    const insertions = this.#isRounded ? tuned.map(roundInsertion) : tuned;
    const tuned_BD = await this.#tunedFeatures(insertions);
    return { insertions, head: await this.#fitHead(tuned_BD, examples, "tuned"), features: tuned_BD };
  }

  async #tune(indices: readonly number[], parts: TuneParts): Promise<TrainableInsertion[]> {
    const { batchTexts, weightDecay, dropout, shape } = this.#settings;
    const insertions = parts.insertions.map((place) => startInsertion(place, shape, this.#random));
    const states = await this.#statesEntering(lowestLayer(insertions));
    const head = trainableHead(await this.#startHead(indices));
    await this.#tuner.tune(
      { indices: this.#withNames(indices), insertions, head, states },
      {
        ...{ batchTexts, weightDecay, dropout, random: this.#random },
        steps: parts.steps,
        learningRate: parts.learningRate,
        onStep: (_, loss) => this.#clock.step({ loss }),
      },
    );
    return insertions;
  }

  /** Of all examples. */
  async #tunedFeatures(insertions: readonly TrainableInsertion[]): Promise<Float32Array> {
    return this.#tuner.features({
      indices: this.#rows.labels.map((_, index) => index),
      insertions,
      states: await this.#statesEntering(lowestLayer(insertions)),
    });
  }

  /** Frozen, of all rows, computed once a layer. */
  #statesEntering(layer: number): Promise<StatesSource> {
    const known = this.#states.get(layer);
    if (known) return known;
    const states = this.#frozen.statesSource(layer, this.#rows.encodings);
    this.#states.set(layer, states);
    return states;
  }

  /** Of what is learned from: the label names too, where they are taught. */
  #withNames(examples: readonly number[]): number[] {
    return [...examples, ...this.#rows.names];
  }

  #folds(halves: readonly [number[], number[]]): Fold[] {
    const { examples, validation } = this.#rows;
    return this.#request.validation ? [{ learn: examples, held: validation }] : foldsOfHalves(halves);
  }

  /** Of a candidate without insertions. */
  async #untunedHead(candidate: "label_words" | undefined, examples: readonly number[]): Promise<Head> {
    return candidate === undefined ? this.#probe(examples) : must(this.#rows.verbalizer, "verbalizer").head;
  }

  /** What tuning begins with: the label words, as the paper has it, or the head on frozen features. */
  async #startHead(examples: readonly number[]): Promise<Head> {
    return this.#rows.verbalizer?.head ?? this.#probe(examples);
  }

  /** The head on frozen features, fitted once to the same rows. */
  #probe(examples: readonly number[]): Promise<Head> {
    const known = this.#probes.get(examples);
    if (known) return known;
    const probe = this.#fitHead(this.#rows.features, examples, "frozen");
    this.#probes.set(examples, probe);
    return probe;
  }

  /** From rows of the examples, and the label names. */
  #fitHead(features_BD: Float32Array, examples: readonly number[], vectors: FittedVectors): Promise<Head> {
    const width = this.#featureWidth();
    const indices = this.#withNames(examples);
    return fitLogisticRegression(
      {
        features_BD: pickRows(features_BD, width, indices),
        labels: pick(this.#rows.labels, indices),
        width,
        classes: this.#rows.classes,
      },
      { ...headFitOf(this.#rows.verbalizer, vectors), ...cpuRuntime(this.#request) },
    );
  }

  /** Of those learned from. */
  #countTruncated(): number {
    const { encodings, pairMode } = this.#rows;
    const parts = partsOf(pairMode);
    const isTruncated = (index: number) =>
      encodings.slice(parts * index, parts * (index + 1)).some(({ truncated }) => truncated);
    return this.#rows.examples.filter(isTruncated).length;
  }

  #featureWidth(): number {
    return featureWidth(this.#settings.shape.width, this.#rows.pairMode);
  }
}

/** Of heads: in float64, which not every device has. */
function cpuRuntime({ threads = 0, signal }: TrainRequest) {
  return { threads, ...(signal ? { signal } : {}) };
}

/** Of all that runs the encoder. */
function encoderRuntime(request: TrainRequest) {
  return { ...cpuRuntime(request), device: request.device?.used ?? "cpu" };
}

function roundHead({ weight_CD, bias_C }: Head): Head {
  return { weight_CD: roundToHalf(weight_CD), bias_C: roundToHalf(bias_C) };
}
