// From packed token ids to the vector a head reads of each text: the graph, and what it is fed.
import type { GraphBuilder, Tensor } from "../graph/builder.ts";
import type { EncoderConfig } from "./config.ts";
import { type BeforeLayer, embedTokens, encode } from "./encoder.ts";
import { textFeatures } from "./mask-head.ts";
import { type PackedBatch, poolingMatrix } from "./pack.ts";
import type { EncoderWeights } from "./weights.ts";

/** [B, D] of the inputs that `packedFeeds` gives. */
export function encodeTexts(
  builder: GraphBuilder,
  { config, weights }: { config: EncoderConfig; weights: EncoderWeights },
  beforeLayer?: BeforeLayer,
): Tensor {
  const { states_RTD } = embedTokens(builder, config, weights);
  const segmentIds = builder.input("segmentIds", ["R", "T"], "int32");
  const inputs = { segmentIds, states_RTD, fromLayer: 0 };
  const final = encode(builder, { config, weights }, inputs, beforeLayer);
  const pool_BX = builder.input("pool", ["B", "X"]);
  return textFeatures(builder, { config, weights }, { pool_BX, states_RTD: final });
}

export function packedFeeds(batch: PackedBatch, { pooling }: EncoderConfig) {
  const shape = [batch.rows, batch.rowTokens];
  return {
    tokenIds: { data: batch.tokenIds, shape },
    positionIds: { data: batch.positionIds, shape },
    typeIds: { data: batch.typeIds, shape },
    segmentIds: { data: batch.segmentIds, shape },
    pool: {
      data: poolingMatrix(batch, pooling),
      shape: [batch.placements.length, batch.rows * batch.rowTokens],
    },
  };
}
