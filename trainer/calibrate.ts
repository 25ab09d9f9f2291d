// Temperature scaling (Guo et al. 2017): one number that makes held-out scores match how often they
// are right, without changing which label wins.

const TEMPERATURE_MIN = 0.05;
const TEMPERATURE_MAX = 20;

/** The temperature of least negative log-likelihood, by golden-section search over its logarithm. */
export function fitTemperature(logits_BC: Float32Array, labels: readonly number[], classes: number): number {
  const lossAt = (logTemperature: number) =>
    negativeLogLikelihood(logits_BC, labels, classes, Math.exp(logTemperature));
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
  let loss = 0;
  for (const [row, label] of labels.entries()) {
    const logits = logits_BC.subarray(row * classes, (row + 1) * classes);
    const top = logits.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
    const sum = logits.reduce((total, value) => total + Math.exp((value - top) / temperature), 0);
    loss += Math.log(sum) - ((logits[label] ?? 0) - top) / temperature;
  }
  return loss / labels.length;
}
