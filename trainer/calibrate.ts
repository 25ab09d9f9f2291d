// Temperature scaling (Guo et al. 2017): one number that makes held-out scores match how often they
// are right, without changing which label wins.
import { largest } from "#model";

const TEMPERATURE_MIN = 0.05;
const TEMPERATURE_MAX = 20;

/**
 * The temperature of least negative log-likelihood, by golden-section search over its logarithm. As in
 * Platt (1999), n rows speak for a probability of (n+1)/(n+2) at most: where few rows are all right,
 * scores would otherwise be pushed to 0 and 1.
 */
export function fitTemperature(logits_BC: Float32Array, labels: readonly number[], classes: number): number {
  const smoothing = 1 / (labels.length + 2);
  const rows = measureRows(logits_BC, { labels, classes, smoothing });
  const lossAt = (logTemperature: number) => smoothedLoss(rows, Math.exp(logTemperature));
  const golden = (Math.sqrt(5) - 1) / 2;
  let low = Math.log(TEMPERATURE_MIN);
  let high = Math.log(TEMPERATURE_MAX);
  let left = high - golden * (high - low);
  let right = low + golden * (high - low);
  let [leftLoss, rightLoss] = [lossAt(left), lossAt(right)];
  // The golden section: of each two points that are left, one is known.
  for (let i = 0; i < STEPS; i++) {
    if (leftLoss < rightLoss) {
      [high, right, rightLoss] = [right, left, leftLoss];
      left = high - golden * (high - low);
      leftLoss = lossAt(left);
    } else {
      [low, left, leftLoss] = [left, right, rightLoss];
      right = low + golden * (high - low);
      rightLoss = lossAt(right);
    }
  }
  return Math.exp((low + high) / 2);
}

/** Of the logarithm's range of 6, a ten-millionth is left. */
const STEPS = 36;

/** Mean over the examples. */
export function negativeLogLikelihood(
  logits_BC: Float32Array,
  labels: readonly number[],
  classes: number,
  temperature: number,
): number {
  return smoothedLoss(measureRows(logits_BC, { labels, classes, smoothing: 0 }), temperature);
}

interface MeasuredRows {
  readonly logits_BC: Float32Array;
  readonly classes: number;
  /** The largest logit of each row. */
  readonly tops: Float64Array;
  /** What a row's targets give of its logits, less the largest. */
  readonly targeted: Float64Array;
}

/** What does not depend on the temperature. Targets are 1 - smoothing at the label, the rest shared by the other classes. */
function measureRows(
  logits_BC: Float32Array,
  { labels, classes, smoothing }: { labels: readonly number[]; classes: number; smoothing: number },
): MeasuredRows {
  const share = smoothing / Math.max(1, classes - 1);
  const tops = new Float64Array(labels.length);
  const targeted = new Float64Array(labels.length);
  for (const [row, label] of labels.entries()) {
    const logits = logits_BC.subarray(row * classes, (row + 1) * classes);
    const top = largest(logits);
    let total = 0;
    for (const value of logits) total += value - top;
    tops[row] = top;
    targeted[row] = (1 - smoothing - share) * ((logits[label] ?? 0) - top) + share * total;
  }
  return { logits_BC, classes, tops, targeted };
}

/** The mean of the rows' cross-entropy. Plain loops: with many rows and labels it is most of what a calibration takes. */
function smoothedLoss({ logits_BC, classes, tops, targeted }: MeasuredRows, temperature: number): number {
  const sharpness = 1 / temperature;
  let loss = 0;
  for (let row = 0; row < tops.length; row++) {
    const top = tops[row] ?? 0;
    let powers = 0;
    for (let at = row * classes; at < (row + 1) * classes; at++) {
      powers += Math.exp(((logits_BC[at] ?? 0) - top) * sharpness);
    }
    loss += Math.log(powers) - (targeted[row] ?? 0) * sharpness;
  }
  return loss / tops.length;
}
