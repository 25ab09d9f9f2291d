// Multinomial logistic regression by L-BFGS (Liu & Nocedal 1989): the head's start, and the frozen
// probe that prompts are compared with. The objective is scikit-learn's: C · Σ loss + ‖W‖²/2, the
// intercept not penalised; here divided by C · n. Products of matrices, nearly all of the work, are
// onnxruntime's, in float64.
import { type Head, transpose } from "#model";
import { GraphBuilder, must } from "#model/graph";
import { Session } from "#model/runtime/session";

export interface LabelledFeatures {
  /** [n, D], row major. */
  readonly features_BD: Float32Array;
  readonly labels: readonly number[];
  readonly width: number;
  readonly classes: number;
}

export const REGULARIZATION_C = 10;
const ITERATIONS_MAX = 200;
const HISTORY = 10;
/** 128 MiB of them, and as much of their gradient. */
const SCORES_AT_ONCE_MAX = 16 * 1024 * 1024;

/** What a head is drawn to, and how weakly. */
export interface HeadFit {
  /** scikit-learn's C: inverse strength of the penalty. Default REGULARIZATION_C. */
  readonly c?: number;
  /** The fit starts here, and the penalty is on the distance to it, ‖W - W₀‖², in place of the length. */
  readonly center?: Head | undefined;
}

export interface FitOptions extends HeadFit {
  /** The head to go on from. Default: the center. */
  readonly start?: Head;
  /** 0, the default, lets onnxruntime choose. */
  readonly threads?: number;
  /** Asked before each evaluation of the objective. */
  readonly signal?: AbortSignal;
  /** Scores that are in memory at once, of some rows and all classes. Default SCORES_AT_ONCE_MAX. */
  readonly scoresMax?: number;
}

/** Deterministic. Rejects with the signal's reason. */
export async function fitLogisticRegression(data: LabelledFeatures, options: FitOptions = {}): Promise<Head> {
  const { center, start = center, signal } = options;
  const { width, classes } = data;
  const weights = new Float64Array(classes * (width + 1));
  if (start) {
    weights.set(start.weight_CD);
    weights.set(start.bias_C, classes * width);
  }
  const objective = await Objective.create(data, options);
  try {
    await minimize((point, gradient) => {
      signal?.throwIfAborted();
      return objective.at(point, gradient);
    }, weights);
  } finally {
    await objective.close();
  }
  return {
    weight_CD: Float32Array.from(weights.subarray(0, classes * width)),
    bias_C: Float32Array.from(weights.subarray(classes * width)),
  };
}

class Objective {
  readonly #labels: readonly number[];
  readonly #width: number;
  readonly #classes: number;
  readonly #c: number;
  readonly #rowsAtOnce: number;
  readonly #center: Float32Array;
  readonly #features_ND: Float64Array;
  readonly #session: Session;

  private constructor(
    data: LabelledFeatures,
    { c = REGULARIZATION_C, center, scoresMax = SCORES_AT_ONCE_MAX }: FitOptions,
    session: Session,
  ) {
    this.#labels = data.labels;
    this.#width = data.width;
    this.#classes = data.classes;
    this.#c = c;
    this.#rowsAtOnce = Math.max(1, Math.floor(scoresMax / data.classes));
    this.#center = center?.weight_CD ?? new Float32Array(data.classes * data.width);
    this.#features_ND = Float64Array.from(data.features_BD);
    this.#session = session;
  }

  static async create(data: LabelledFeatures, options: FitOptions) {
    const builder = new GraphBuilder("float64");
    const factors = [builder.input("a", ["M", "K"]), builder.input("b", ["K", "N"])];
    builder.output("product", builder.apply("MatMul", factors));
    const session = await Session.create(builder.build(), { threads: options.threads ?? 0 });
    return new Objective(data, options, session);
  }

  /** The value at a point, weights [C, D] then biases [C]; its gradient is written into `gradient`. */
  async at(point: Float64Array, gradient: Float64Array): Promise<number> {
    const [all, width, classes] = [this.#labels.length, this.#width, this.#classes];
    const weight_DC = transpose(point.subarray(0, classes * width), classes, width);
    gradient.fill(0);
    let loss = 0;
    for (let from = 0; from < all; from += this.#rowsAtOnce) {
      const to = Math.min(all, from + this.#rowsAtOnce);
      const features_ND = this.#features_ND.subarray(from * width, to * width);
      const scores_NC = await this.#product([features_ND, to - from, width], [weight_DC, width, classes]);
      const bias = point.subarray(classes * width);
      const part = { scores_NC, labels: this.#labels.slice(from, to), bias };
      const { errors_CN, loss: partLoss } = this.#errorsOf(part, gradient);
      loss += partLoss;
      const slope = await this.#product([errors_CN, classes, to - from], [features_ND, to - from, width]);
      if (from === 0) gradient.set(slope);
      else addScaled(gradient.subarray(0, slope.length), slope, 1);
    }
    return loss / all + this.#penalize(point, gradient);
  }

  /** Of some rows: their errors over all rows, and the sum of their losses. The biases' gradient grows. */
  #errorsOf(
    { scores_NC, labels, bias }: { scores_NC: Float64Array; labels: readonly number[]; bias: Float64Array },
    gradient: Float64Array,
  ): { errors_CN: Float64Array; loss: number } {
    const [all, rows, width, classes] = [this.#labels.length, labels.length, this.#width, this.#classes];
    const errors_CN = new Float64Array(classes * rows);
    let loss = 0;
    for (const [row, target] of labels.entries()) {
      const scores = scores_NC.subarray(row * classes, (row + 1) * classes);
      for (let label = 0; label < classes; label++) scores[label] = (scores[label] ?? 0) + (bias[label] ?? 0);
      const targetScore = scores[target] ?? 0;
      loss += softmaxInPlace(scores) - targetScore;
      for (let label = 0; label < classes; label++) {
        const error = ((scores[label] ?? 0) - (label === target ? 1 : 0)) / all;
        errors_CN[label * rows + row] = error;
        const at = classes * width + label;
        gradient[at] = (gradient[at] ?? 0) + error;
      }
    }
    return { errors_CN, loss };
  }

  async close(): Promise<void> {
    await this.#session.close();
  }

  #penalize(point: Float64Array, gradient: Float64Array): number {
    const decay = 1 / (this.#c * this.#labels.length);
    let squares = 0;
    for (let i = 0; i < this.#classes * this.#width; i++) {
      const value = (point[i] ?? 0) - (this.#center[i] ?? 0);
      squares += value * value;
      gradient[i] = (gradient[i] ?? 0) + decay * value;
    }
    return (decay * squares) / 2;
  }

  /** a · b, each as its numbers, rows and columns. */
  async #product(a: Matrix, b: Matrix): Promise<Float64Array> {
    const feed = ([data, ...shape]: Matrix) => ({ data, shape });
    const { product } = await this.#session.run({ a: feed(a), b: feed(b) }, ["product"]);
    return Float64Array.from(must(product, "product"));
  }
}

type Matrix = readonly [Float64Array, rows: number, columns: number];

/** Turns scores into probabilities and returns log Σ exp(scores). */
function softmaxInPlace(scores: Float64Array): number {
  let top = Number.NEGATIVE_INFINITY;
  for (const score of scores) top = Math.max(top, score);
  let sum = 0;
  for (let i = 0; i < scores.length; i++) {
    const power = Math.exp((scores[i] ?? 0) - top);
    scores[i] = power;
    sum += power;
  }
  for (let i = 0; i < scores.length; i++) scores[i] = (scores[i] ?? 0) / sum;
  return top + Math.log(sum);
}

type Evaluate = (point: Float64Array, gradient: Float64Array) => Promise<number>;

/** L-BFGS with a backtracking (Armijo) line search; stops when the gradient's largest entry is below 1e-5. */
async function minimize(evaluate: Evaluate, point: Float64Array): Promise<void> {
  const pairs: { step: Float64Array; change: Float64Array; rho: number }[] = [];
  let gradient = new Float64Array(point.length);
  let value = await evaluate(point, gradient);
  for (let iteration = 0; iteration < ITERATIONS_MAX && largest(gradient) > 1e-5; iteration++) {
    const direction = twoLoop(gradient, pairs);
    const slope = dot(direction, gradient);
    const next = new Float64Array(point.length);
    const nextGradient = new Float64Array(point.length);
    let rate = pairs.length === 0 ? 1 / Math.max(1, Math.sqrt(dot(gradient, gradient))) : 1;
    let nextValue = value;
    for (let tries = 0; tries < 30; tries++, rate /= 2) {
      for (let i = 0; i < point.length; i++) next[i] = (point[i] ?? 0) + rate * (direction[i] ?? 0);
      nextValue = await evaluate(next, nextGradient);
      if (nextValue <= value + 1e-4 * rate * slope) break;
    }
    if (!(nextValue < value)) return;
    remember(pairs, { point, next, gradient, nextGradient });
    point.set(next);
    gradient = nextGradient;
    value = nextValue;
  }
}

function remember(
  pairs: { step: Float64Array; change: Float64Array; rho: number }[],
  {
    point,
    next,
    gradient,
    nextGradient,
  }: Record<"point" | "next" | "gradient" | "nextGradient", Float64Array>,
): void {
  const step = next.map((value, i) => value - (point[i] ?? 0));
  const change = nextGradient.map((value, i) => value - (gradient[i] ?? 0));
  const curvature = dot(step, change);
  if (curvature <= 1e-12) return;
  pairs.push({ step, change, rho: 1 / curvature });
  if (pairs.length > HISTORY) pairs.shift();
}

function twoLoop(
  gradient: Float64Array,
  pairs: readonly { step: Float64Array; change: Float64Array; rho: number }[],
): Float64Array {
  const direction = gradient.map((value) => -value);
  const alphas: number[] = [];
  for (const { step, change, rho } of [...pairs].reverse()) {
    const alpha = rho * dot(step, direction);
    alphas.push(alpha);
    addScaled(direction, change, -alpha);
  }
  const last = pairs.at(-1);
  if (last) scale(direction, 1 / (last.rho * dot(last.change, last.change)));
  for (const { step, change, rho } of pairs) {
    const beta = rho * dot(change, direction);
    addScaled(direction, step, (alphas.pop() ?? 0) - beta);
  }
  return direction;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

function addScaled(target: Float64Array, by: Float64Array, factor: number): void {
  for (let i = 0; i < target.length; i++) target[i] = (target[i] ?? 0) + factor * (by[i] ?? 0);
}

function scale(target: Float64Array, factor: number): void {
  for (let i = 0; i < target.length; i++) target[i] = (target[i] ?? 0) * factor;
}

function largest(values: Float64Array): number {
  let top = 0;
  for (const value of values) top = Math.max(top, Math.abs(value));
  return top;
}
