// Packs texts of different lengths into rows of one length without padding each text: the cheapest rows
// into which first-fit decreasing fits them all (MULTIFIT: Coffman, Garey, Johnson 1978). Texts are kept
// apart by segment ids. Prompt tokens stand beside the rows, in slots.

import { must } from "../graph/ops.ts";
import type { EncoderConfig } from "./config.ts";
import { EMPTY_POSITION, EMPTY_SLOT } from "./encoder.ts";

/** Rows are about this long unless one text needs more, or all texts together need less. */
export const ROW_TOKENS = 64;
/** Numbers of rows tried: so many fewer than ROW_TOKENS suggests, and so many more. */
const ROW_COUNTS_ASIDE = 2;
/** A position costs twice as much in rows this long as in the shortest: each token looks at all of its row. */
const ROW_TOKENS_AT_TWICE = 1536;

export interface PackItem {
  readonly tokenIds: readonly number[];
  readonly typeIds: readonly number[];
  /** Index of the template's mask among the tokens; only where a backbone pools there. */
  readonly maskAt?: number;
}

export interface Placement {
  readonly row: number;
  /** Index of the text's first token among the R·T positions. */
  readonly offset: number;
  /** L */
  readonly length: number;
  /** Of the mask token among the text's own. */
  readonly maskAt?: number;
}

export interface PackedBatch {
  /** R, T */
  readonly rows: number;
  readonly rowTokens: number;
  readonly placements: readonly Placement[];
  /** [R, T] each; unused positions have segment EMPTY_POSITION. */
  readonly tokenIds: Int32Array;
  readonly positionIds: Int32Array;
  readonly typeIds: Int32Array;
  readonly segmentIds: Int32Array;
}

export function packTexts(items: readonly PackItem[], config: EncoderConfig): PackedBatch {
  const lengths = items.map(({ tokenIds }) => tokenIds.length);
  const { starts, rows, rowTokens } = placeEvenly(lengths);
  const positions = rows * rowTokens;
  const batch: PackedBatch = {
    rows,
    rowTokens,
    placements: starts.map((offset, index) => {
      const maskAt = items[index]?.maskAt;
      const length = lengths[index] ?? 0;
      return {
        ...{ row: Math.floor(offset / rowTokens), offset, length },
        ...(maskAt === undefined ? {} : { maskAt }),
      };
    }),
    tokenIds: new Int32Array(positions),
    positionIds: new Int32Array(positions),
    typeIds: new Int32Array(positions),
    segmentIds: new Int32Array(positions).fill(EMPTY_POSITION),
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
  const { offset, length } = place;
  batch.tokenIds.set(item.tokenIds, offset);
  batch.typeIds.set(item.typeIds, offset);
  for (let i = 0; i < length; i++) batch.positionIds[offset + i] = config.positionOffset + i;
  batch.segmentIds.fill(index, offset, offset + length);
}

/** Where each of the sizes starts among rows · rowTokens positions; none crosses a row's end. */
export function placeEvenly(sizes: readonly number[]): { starts: number[]; rows: number; rowTokens: number } {
  const order = sizes.map((_, index) => index).sort((a, b) => (sizes[b] ?? 0) - (sizes[a] ?? 0) || a - b);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const longest = Math.max(1, sizes[order[0] ?? 0] ?? 1);
  const near = Math.max(1, Math.ceil(total / Math.max(longest, ROW_TOKENS)));
  const fewest = Math.max(1, near - ROW_COUNTS_ASIDE);
  const [first, ...others] = Array.from({ length: near + ROW_COUNTS_ASIDE + 1 - fewest }, (_, more) => {
    const rows = fewest + more;
    return multifit(sizes, order, { rows, rowTokensMin: Math.max(longest, Math.ceil(total / rows)) });
  });
  const { places, rowTokens, rows } = others.reduce(
    (best, next) => (costOf(next) < costOf(best) ? next : best),
    must(first, "packing"),
  );
  return { starts: places.map(({ row, at }) => row * rowTokens + at), rows, rowTokens };
}

function costOf({ rows, rowTokens }: Packing): number {
  return rows * rowTokens * (1 + rowTokens / ROW_TOKENS_AT_TWICE);
}

interface Packing {
  readonly places: readonly { row: number; at: number }[];
  readonly rows: number;
  /** Of the fullest row. */
  readonly rowTokens: number;
}

/** The shortest rows, of at most that many, into which first-fit decreasing packs all. */
function multifit(
  sizes: readonly number[],
  order: readonly number[],
  { rows, rowTokensMin }: { rows: number; rowTokensMin: number },
): Packing {
  let low = rowTokensMin;
  let high = low;
  let best = firstFit(sizes, order, { rows, rowTokens: high });
  while (!best) {
    low = high + 1;
    high *= 2;
    best = firstFit(sizes, order, { rows, rowTokens: high });
  }
  while (low < high) {
    const rowTokens = Math.floor((low + high) / 2);
    const packing = firstFit(sizes, order, { rows, rowTokens });
    if (packing) {
      best = packing;
      high = rowTokens;
    } else {
      low = rowTokens + 1;
    }
  }
  return best;
}

function firstFit(
  sizes: readonly number[],
  order: readonly number[],
  { rows, rowTokens }: { rows: number; rowTokens: number },
): Packing | undefined {
  const used: number[] = [];
  const places = sizes.map(() => ({ row: 0, at: 0 }));
  for (const index of order) {
    const size = sizes[index] ?? 0;
    let row = used.findIndex((taken) => taken + size <= rowTokens);
    if (row < 0) row = used.push(0) - 1;
    if (row >= rows) return undefined;
    const at = used[row] ?? 0;
    places[index] = { row, at };
    used[row] = at + size;
  }
  return { places, rows: Math.max(1, used.length), rowTokens: Math.max(1, ...used) };
}

export interface PromptSlots {
  /** U: slots of a row, as many as the fullest row needs. */
  readonly slots: number;
  /** Index of each text's first prompt token among the R·U slots; texts without prompts have one too. */
  readonly offsets: readonly number[];
  /** [R, U]; unused slots have segment EMPTY_SLOT. */
  readonly segmentIds: Int32Array;
}

/** Slots beside the rows for as many prompt tokens of each text, in order of the texts. */
export function placePrompts(
  { rows, placements }: Pick<PackedBatch, "rows" | "placements">,
  counts: readonly number[],
): PromptSlots {
  const used = new Array<number>(rows).fill(0);
  const places = placements.map(({ row }, index) => {
    const at = used[row] ?? 0;
    used[row] = at + (counts[index] ?? 0);
    return { row, at };
  });
  const most = Math.max(0, ...used);
  // Products of a matrix of one row sum in another order than those of more: one slot alone is never multiplied.
  const slots = most === 1 ? 2 : most;
  const offsets = places.map(({ row, at }) => row * slots + at);
  const segmentIds = new Int32Array(rows * slots).fill(EMPTY_SLOT);
  for (const [index, offset] of offsets.entries()) {
    segmentIds.fill(index, offset, offset + (counts[index] ?? 0));
  }
  return { slots, offsets, segmentIds };
}

/** pool_BX: row b averages text b's token positions, or picks its first token or its mask. */
export function poolingMatrix(batch: PackedBatch, pooling: EncoderConfig["pooling"]): Float32Array {
  const width = batch.rows * batch.rowTokens;
  const matrix = new Float32Array(batch.placements.length * width);
  for (const [index, { offset, length, maskAt }] of batch.placements.entries()) {
    const start = index * width + offset;
    if (pooling === "mean") matrix.fill(1 / length, start, start + length);
    else matrix[start + (pooling === "first" ? 0 : must(maskAt, `mask of text ${index}`))] = 1;
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
