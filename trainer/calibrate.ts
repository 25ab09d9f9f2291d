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
  const lossAt = (logTemperature: number) =>
    smoothedLoss(logits_BC, { labels, classes, temperature: Math.exp(logTemperature), smoothing });
  const golden = (Math.sqrt(5) - 1) / 2;
  let low = Math.log(TEMPERATURE_MIN);
  let high = Math.log(TEMPERATURE_MAX);
  for (let i = 0; i < 60; i++) {
    const left = high - golden * (high - low);
    const right = low + golden * (high - low);
    if (lossAt(left) < lossAt(right)) high = right;
    else low = left;
  }
  return Math.exp((low + high) / 2);
}

/** Mean over the examples. */
export function negativeLogLikelihood(
  logits_BC: Float32Array,
  labels: readonly number[],
  classes: number,
  temperature: number,
): number {
  return smoothedLoss(logits_BC, { labels, classes, temperature, smoothing: 0 });
}

/** Cross-entropy against targets of 1 - smoothing at the label, the rest shared by the other classes. */
function smoothedLoss(
  logits_BC: Float32Array,
  options: { labels: readonly number[]; classes: number; temperature: number; smoothing: number },
): number {
  const { labels, classes, temperature, smoothing } = options;
  const share = smoothing / Math.max(1, classes - 1);
  let loss = 0;
  for (const [row, label] of labels.entries()) {
    const logits = logits_BC.subarray(row * classes, (row + 1) * classes);
    const top = largest(logits);
    const powers = logits.reduce((total, value) => total + Math.exp((value - top) / temperature), 0);
    const total = logits.reduce((sum, value) => sum + value - top, 0);
    const own = (logits[label] ?? 0) - top;
    loss += Math.log(powers) - ((1 - smoothing - share) * own + share * total) / temperature;
  }
  return loss / labels.length;
}
