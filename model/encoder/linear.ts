// x · weight + bias with frozen weights, in the precision that a graph is built for.
import type { GraphBuilder, Tensor } from "../graph/builder.ts";
import { INT8_PAIR_MAX } from "../graph/ops.ts";
import type { Linear } from "./weights.ts";

/**
 * How the frozen encoder's products with its weights are computed. "int8" is for serving: weights of 8 bits
 * with a scale for each output, states rounded to 8 bits by a scale and a zero for each token. No two tokens
 * share a scale, so a text's result does not depend on the texts beside it.
 */
export const PRECISIONS = ["fp32", "int8"] as const;
export type Precision = (typeof PRECISIONS)[number];
export const PRECISION_CHOICES = ["auto", ...PRECISIONS] as const;
export type PrecisionChoice = (typeof PRECISION_CHOICES)[number];

/** "auto" is int8: its sums are exact on every processor, so nothing speaks for fp32 but its last digits. */
export function choosePrecision(choice: PrecisionChoice): Precision {
  return choice === "auto" ? "int8" : choice;
}

/** [n, in] → [n, out]; in fp32 also [.., in] → [.., out]. */
export type ApplyLinear = (x: Tensor, linear: Linear) => Tensor;

export function createLinear(builder: GraphBuilder, precision: Precision): ApplyLinear {
  const product = precision === "int8" ? int8Product(builder) : float32Product(builder);
  return (x, linear) => {
    const { bias } = linear;
    return builder.apply("Add", [product(x, linear), builder.constant(bias, [bias.length])]);
  };
}

function float32Product(builder: GraphBuilder): ApplyLinear {
  return (x, { weight, bias: { length: outputs } }) =>
    builder.apply("MatMul", [x, builder.constant(weight, [weight.length / outputs, outputs])]);
}

/** States that several products read are rounded once, and so are weights. */
function int8Product(builder: GraphBuilder): ApplyLinear {
  const rounded = new Map<string, readonly Tensor[]>();
  const weights = new Map<Linear, readonly Tensor[]>();
  return (x, linear) => {
    const states = rounded.get(x.id) ?? builder.applyAll("QuantizeRows", [x]);
    rounded.set(x.id, states);
    const columns = weights.get(linear) ?? int8Constants(builder, linear);
    weights.set(linear, columns);
    return builder.apply("MatMulInt8", [...states, ...columns]);
  };
}

function int8Constants(builder: GraphBuilder, linear: Linear): readonly Tensor[] {
  const { weight, scales_N } = quantizeColumns(linear);
  const outputs = scales_N.length;
  return [
    builder.constant(weight, [weight.length / outputs, outputs]),
    builder.constant(scales_N, [outputs]),
  ];
}

export interface Int8Columns {
  /** [in + extra, out]: the rounded weights, then rows that each column adds up to 0 with. */
  readonly weight: Int8Array;
  /** weight [in, out] ≈ int8 · scale of the column. */
  readonly scales_N: Float32Array;
}

/**
 * Symmetric, a scale for each column. For the op MatMulInt8. Each pair of neighbouring rows stays within
 * INT8_PAIR_MAX: see there.
 */
export function quantizeColumns({ weight, bias: { length: outputs } }: Linear): Int8Columns {
  if ((weight.length / outputs) % 2 !== 0) throw new Error("invariant: rows of int8 weights come in pairs");
  const scales_N = columnScales(weight, outputs);
  const sums_N = new Int32Array(outputs);
  const rounded = new Int8Array(weight.length);
  // Plain loops over millions of numbers: a server waits for them when it starts.
  for (let start = 0; start < weight.length; start += outputs) {
    for (let column = 0; column < outputs; column++) {
      const scale = scales_N[column] ?? 0;
      const steps = scale === 0 ? 0 : Math.round((weight[start + column] ?? 0) / scale);
      rounded[start + column] = steps;
      sums_N[column] = (sums_N[column] ?? 0) + steps;
    }
  }
  const whole = new Int8Array(rounded.length + outputs * extraRows(sums_N));
  whole.set(rounded);
  takeOutSums(whole, rounded.length, sums_N);
  return { weight: whole, scales_N };
}

/** A column of numbers smaller than this is one of zeros: float32 holds them with fewer bits. */
const COLUMN_MIN = 1e-30;

/** Of a pair of one sign the sum counts, and rounding may add 1/2 to each. */
function columnScales(weight: Float32Array, outputs: number): Float32Array {
  const largest_N = new Float32Array(outputs);
  for (let start = 0; start < weight.length; start += 2 * outputs) {
    for (let column = 0; column < outputs; column++) {
      const [first, second] = [weight[start + column] ?? 0, weight[start + outputs + column] ?? 0];
      const size = Math.max(Math.abs(first), Math.abs(second), Math.abs(first + second));
      if (size > (largest_N[column] ?? 0)) largest_N[column] = size;
    }
  }
  return largest_N.map((largest) => (largest < COLUMN_MIN ? 0 : largest / (INT8_PAIR_MAX - 1)));
}

const EXTRA_MAX = INT8_PAIR_MAX / 2;

function extraRows(sums_N: Int32Array): number {
  const largest = sums_N.reduce((most, sum) => Math.max(most, Math.abs(sum)), 0);
  return Math.max(1, Math.ceil(largest / EXTRA_MAX));
}

/** Writes, from `start` on, rows that add up to the negative sum of each column. */
function takeOutSums(weight: Int8Array, start: number, sums_N: Int32Array): void {
  const left_N = sums_N.slice();
  for (let at = start; at < weight.length; at++) {
    const column = (at - start) % left_N.length;
    const part = Math.max(-EXTRA_MAX, Math.min(EXTRA_MAX, left_N[column] ?? 0));
    weight[at] = -part;
    left_N[column] = (left_N[column] ?? 0) - part;
  }
}
