// A head on features, outside of any graph: rows times labels times features, which with many of each takes minutes.
import type { Head } from "#model";

/** [n, C] logits of a head; each is summed in the order of the features. */
export function headLogits(
  { weight_CD, bias_C }: Head,
  features_BD: Float32Array,
  width: number,
): Float32Array {
  const classes = bias_C.length;
  const rows = features_BD.length / width;
  const logits = new Float32Array(rows * classes);
  const last = classes - 1;
  for (let first = 0; first < classes; first += 4) {
    // Where fewer are left, the last label more than once.
    const labels = [first, first + 1, first + 2, first + 3].map((label) => Math.min(label, last));
    fourLogits({ weight_CD, bias_C }, features_BD, { labels, logits, width });
  }
  return logits;
}

/** Four sums that do not wait for each other take a processor little longer than one. */
function fourLogits(
  { weight_CD, bias_C }: Head,
  features_BD: Float32Array,
  { labels, logits, width }: { labels: readonly number[]; logits: Float32Array; width: number },
): void {
  const weightsOf = (label = 0) => Float64Array.from(weight_CD.subarray(label * width, (label + 1) * width));
  const [at1 = 0, at2 = 0, at3 = 0, at4 = 0] = labels;
  const [weight1, weight2, weight3, weight4] = [
    weightsOf(at1),
    weightsOf(at2),
    weightsOf(at3),
    weightsOf(at4),
  ];
  const rows = features_BD.length / width;
  const classes = bias_C.length;
  for (let row = 0; row < rows; row++) {
    let sum1 = bias_C[at1] ?? 0;
    let sum2 = bias_C[at2] ?? 0;
    let sum3 = bias_C[at3] ?? 0;
    let sum4 = bias_C[at4] ?? 0;
    for (let d = 0; d < width; d++) {
      const feature = features_BD[row * width + d] ?? 0;
      sum1 += (weight1[d] ?? 0) * feature;
      sum2 += (weight2[d] ?? 0) * feature;
      sum3 += (weight3[d] ?? 0) * feature;
      sum4 += (weight4[d] ?? 0) * feature;
    }
    logits[row * classes + at1] = sum1;
    logits[row * classes + at2] = sum2;
    logits[row * classes + at3] = sum3;
    logits[row * classes + at4] = sum4;
  }
}
