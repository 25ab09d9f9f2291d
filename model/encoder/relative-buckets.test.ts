import { expect, test } from "vitest";
import { bucketMatrix, bucketOf } from "./relative-buckets.ts";

/** Where transformers' MPNetEncoder.relative_position_bucket (float32 logarithms) comes to the next bucket. */
const FIRST_OF_BUCKET = [0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91];

test("buckets begin where transformers' begin, before the query and, one direction further, after it", () => {
  for (let steps = 0; steps <= 600; steps++) {
    const bucket = FIRST_OF_BUCKET.findLastIndex((first) => first <= steps);
    expect([steps, bucketOf(-steps)]).toEqual([steps, bucket]);
    if (steps > 0) expect([steps, bucketOf(steps)]).toEqual([steps, 16 + bucket]);
  }
});

test("a matrix has the keys of one query side by side", () => {
  expect(bucketMatrix(3)).toEqual(Int32Array.of(0, 17, 18, 1, 0, 17, 2, 1, 0));
});
