// Multinomial logistic regression by L-BFGS (Liu & Nocedal 1989): the head's start, and the frozen
// probe that prompts are compared with. The objective is scikit-learn's: C · Σ loss + ‖W‖²/2, the
// intercept not penalised; here divided by C · n.
import type { Head } from "#model";

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

/** Deterministic. `start` continues from a given head. */
export function fitLogisticRegression(
  data: LabelledFeatures,
  { c = REGULARIZATION_C, start }: { c?: number; start?: Head } = {},
): Head {
  const { width, classes } = data;
  const weights = new Float64Array(classes * (width + 1));
  if (start) {
    weights.set(start.weight_CD);
    weights.set(start.bias_C, classes * width);
  }
  minimize((point, gradient) => objective(data, { point, gradient, c }), weights);
  return {
    weight_CD: Float32Array.from(weights.subarray(0, classes * width)),
    bias_C: Float32Array.from(weights.subarray(classes * width)),
  };
}

/** [n, C] logits of a head. */
export function headLogits(head: Head, features_BD: Float32Array, width: number): Float32Array {
  const classes = head.bias_C.length;
  const rows = features_BD.length / width;
  const logits = new Float32Array(rows * classes);
  for (let row = 0; row < rows; row++) {
    for (let label = 0; label < classes; label++) {
      let sum = head.bias_C[label] ?? 0;
      const offset = label * width;
      const from = row * width;
      for (let d = 0; d < width; d++) sum += (head.weight_CD[offset + d] ?? 0) * (features_BD[from + d] ?? 0);
      logits[row * classes + label] = sum;
    }
  }
  return logits;
}

function objective(
  { features_BD, labels, width, classes }: LabelledFeatures,
  { point, gradient, c }: { point: Float64Array; gradient: Float64Array; c: number },
): number {
  const rows = labels.length;
  const bias = classes * width;
  const scores = new Float64Array(classes);
  gradient.fill(0);
  let loss = 0;
  for (let row = 0; row < rows; row++) {
    const from = row * width;
    for (let label = 0; label < classes; label++) {
      let sum = point[bias + label] ?? 0;
      const offset = label * width;
      for (let d = 0; d < width; d++) sum += (point[offset + d] ?? 0) * (features_BD[from + d] ?? 0);
      scores[label] = sum;
    }
    const target = labels[row] ?? 0;
    const targetScore = scores[target] ?? 0;
    const total = softmaxInPlace(scores);
    loss += total - targetScore;
    for (let label = 0; label < classes; label++) {
      const error = ((scores[label] ?? 0) - (label === target ? 1 : 0)) / rows;
      const offset = label * width;
      gradient[bias + label] = (gradient[bias + label] ?? 0) + error;
      for (let d = 0; d < width; d++)
        gradient[offset + d] = (gradient[offset + d] ?? 0) + error * (features_BD[from + d] ?? 0);
    }
  }
  const decay = 1 / (c * rows);
  let penalty = 0;
  for (let i = 0; i < bias; i++) {
    const value = point[i] ?? 0;
    penalty += value * value;
    gradient[i] = (gradient[i] ?? 0) + decay * value;
  }
  return loss / rows + (decay * penalty) / 2;
}

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

type Objective = (point: Float64Array, gradient: Float64Array) => number;

/** L-BFGS with a backtracking (Armijo) line search; stops when the gradient's largest entry is below 1e-5. */
function minimize(evaluate: Objective, point: Float64Array): void {
  const pairs: { step: Float64Array; change: Float64Array; rho: number }[] = [];
  let gradient = new Float64Array(point.length);
  let value = evaluate(point, gradient);
  for (let iteration = 0; iteration < ITERATIONS_MAX && largest(gradient) > 1e-5; iteration++) {
    const direction = twoLoop(gradient, pairs);
    const slope = dot(direction, gradient);
    const next = new Float64Array(point.length);
    const nextGradient = new Float64Array(point.length);
    let rate = pairs.length === 0 ? 1 / Math.max(1, Math.sqrt(dot(gradient, gradient))) : 1;
    let nextValue = value;
    for (let tries = 0; tries < 30; tries++, rate /= 2) {
      for (let i = 0; i < point.length; i++) next[i] = (point[i] ?? 0) + rate * (direction[i] ?? 0);
      nextValue = evaluate(next, nextGradient);
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
