// Packs texts of different lengths into rows of one length without padding each text: first-fit
// decreasing (Johnson 1973), texts kept apart by segment ids. Each text may reserve positions for its
// prompt tokens, right after its own.
import type { EncoderConfig } from "./config.ts";

/** Rows are this long unless one text needs more, or all texts together need less. */
export const ROW_TOKENS = 128;

export interface PackItem {
  readonly tokenIds: readonly number[];
  readonly typeIds: readonly number[];
  /** P positions reserved after the text. */
  readonly promptTokens: number;
}

export interface Placement {
  /** Index of the text's first token among the R·T positions. */
  readonly offset: number;
  /** L */
  readonly length: number;
  readonly promptOffset: number;
  readonly promptTokens: number;
}

export interface PackedBatch {
  /** R, T */
  readonly rows: number;
  readonly rowTokens: number;
  readonly placements: readonly Placement[];
  /** [R, T] each; unused positions have segment -1. */
  readonly tokenIds: Int32Array;
  readonly positionIds: Int32Array;
  readonly typeIds: Int32Array;
  readonly segmentIds: Int32Array;
}

export function packTexts(items: readonly PackItem[], config: EncoderConfig): PackedBatch {
  const sizes = items.map((item) => item.tokenIds.length + item.promptTokens);
  const { starts, rows, rowTokens } = placeFirstFitDecreasing(sizes);
  const positions = rows * rowTokens;
  const batch: PackedBatch = {
    rows,
    rowTokens,
    placements: items.map((item, index) => {
      const offset = starts[index] ?? 0;
      const length = item.tokenIds.length;
      return { offset, length, promptOffset: offset + length, promptTokens: item.promptTokens };
    }),
    tokenIds: new Int32Array(positions),
    positionIds: new Int32Array(positions),
    typeIds: new Int32Array(positions),
    segmentIds: new Int32Array(positions).fill(-1),
  };
  for (const [index, item] of items.entries()) writeText(batch, { index, item, config });
  return batch;
}

function writeText(
  batch: PackedBatch,
  { index, item, config }: { index: number; item: PackItem; config: EncoderConfig },
): void {
  const place = batch.placements[index];
  if (!place) return;
  batch.tokenIds.set(item.tokenIds, place.offset);
  batch.typeIds.set(item.typeIds, place.offset);
  for (let i = 0; i < place.length; i++) batch.positionIds[place.offset + i] = config.positionOffset + i;
  batch.segmentIds.fill(index, place.offset, place.promptOffset + place.promptTokens);
}

/** Where each of the sizes starts among rows · rowTokens positions; none crosses a row's end. */
export function placeFirstFitDecreasing(sizes: readonly number[]): {
  starts: number[];
  rows: number;
  rowTokens: number;
} {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const longest = Math.max(1, ...sizes);
  const rowTokens = Math.max(longest, Math.min(total, ROW_TOKENS));
  const starts = new Array<number>(sizes.length).fill(0);
  const used: number[] = [];
  const order = sizes.map((_, index) => index).sort((a, b) => (sizes[b] ?? 0) - (sizes[a] ?? 0) || a - b);
  for (const index of order) {
    const size = sizes[index] ?? 0;
    let row = used.findIndex((taken) => taken + size <= rowTokens);
    if (row < 0) row = used.push(0) - 1;
    const taken = used[row] ?? 0;
    starts[index] = row * rowTokens + taken;
    used[row] = taken + size;
  }
  return { starts, rows: Math.max(1, used.length), rowTokens };
}

/** pool_BX: row b averages text b's token positions (or picks its first token). */
export function poolingMatrix(batch: PackedBatch, pooling: "mean" | "first"): Float32Array {
  const width = batch.rows * batch.rowTokens;
  const matrix = new Float32Array(batch.placements.length * width);
  for (const [index, { offset, length }] of batch.placements.entries()) {
    const start = index * width + offset;
    matrix.fill(pooling === "mean" ? 1 / length : 1, start, start + (pooling === "mean" ? length : 1));
  }
  return matrix;
}

/**
 * Rows that average `slots` near-equal runs of one text's tokens, written at row `at` of a [.., X]
 * matrix: run g covers tokens ⌊gL/G⌋ … ⌈(g+1)L/G⌉-1 (adaptive average pooling). One slot is the mean.
 */
export function writeSlotRows(
  matrix: Float32Array,
  { at, slots, place, width }: { at: number; slots: number; place: Placement; width: number },
): void {
  for (let slot = 0; slot < slots; slot++) {
    const from = Math.floor((slot * place.length) / slots);
    const to = Math.ceil(((slot + 1) * place.length) / slots);
    const start = (at + slot) * width + place.offset;
    matrix.fill(1 / (to - from), start + from, start + to);
  }
}
