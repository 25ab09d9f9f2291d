// From packed token ids to the vector a head reads of each text: the graph, and what it is fed.
import type { GraphBuilder, Tensor } from "../graph/builder.ts";
import type { EncoderConfig } from "./config.ts";
import { type BeforeLayer, type EncoderSource, embedTokens, encode } from "./encoder.ts";
import { textFeatures } from "./mask-head.ts";
import { type PackedBatch, poolingMatrix } from "./pack.ts";
import { positionFeeds, positionInputs } from "./position-inputs.ts";

/** [B, D] of the inputs that `packedFeeds` gives. */
export function encodeTexts(builder: GraphBuilder, source: EncoderSource, beforeLayer?: BeforeLayer): Tensor {
  const { config } = source;
  const { states_RTD } = embedTokens(builder, source);
  const inputs = { ...positionInputs(builder, config), states_RTD, fromLayer: 0 };
  const final = encode(builder, source, inputs, beforeLayer);
  const pool_BX = builder.input("pool", ["B", "RT"]);
  return textFeatures(builder, source, { pool_BX, states_RTD: final });
}

export function packedFeeds(batch: PackedBatch, config: EncoderConfig) {
  const shape = [batch.rows, batch.rowTokens];
  return {
    tokenIds: { data: batch.tokenIds, shape },
    positionIds: { data: batch.positionIds, shape },
    ...(config.tokenTypes > 0 && { typeIds: { data: batch.typeIds, shape } }),
    ...positionFeeds(batch, config),
    pool: {
      data: poolingMatrix(batch, config.pooling),
      shape: [batch.placements.length, batch.rows * batch.rowTokens],
    },
  };
}
