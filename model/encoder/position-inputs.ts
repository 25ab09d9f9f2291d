// What attention is told of the packed positions: as inputs of a graph, and as the feeds of a batch.
import type { GraphBuilder } from "../graph/builder.ts";
import type { EncoderConfig } from "./config.ts";
import type { EncoderInputs } from "./encoder.ts";
import type { PackedBatch } from "./pack.ts";
import { bucketMatrix } from "./relative-buckets.ts";

const SEGMENT_IDS = "segmentIds";
const BUCKETS = "relativeBuckets";

export function positionInputs(
  builder: GraphBuilder,
  { relativeBuckets }: EncoderConfig,
): Pick<EncoderInputs, "segmentIds" | "buckets"> {
  const segmentIds = builder.input(SEGMENT_IDS, ["R", "T"], "int32");
  return relativeBuckets > 0
    ? { segmentIds, buckets: builder.input(BUCKETS, [1, "T", "T"], "int32") }
    : { segmentIds };
}

/** Feeds of the inputs that `positionInputs` makes for the same config. */
export function positionFeeds(
  { rows, rowTokens, segmentIds }: PackedBatch,
  { relativeBuckets }: EncoderConfig,
) {
  return {
    [SEGMENT_IDS]: { data: segmentIds, shape: [rows, rowTokens] },
    ...(relativeBuckets > 0 && {
      [BUCKETS]: { data: bucketMatrix(rowTokens), shape: [1, rowTokens, rowTokens] },
    }),
  };
}
