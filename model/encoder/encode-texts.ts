// From packed token ids to a unit-length vector a text: the graph, and what it is fed.
import type { GraphBuilder, Tensor } from "../graph/builder.ts";
import type { EncoderConfig } from "./config.ts";
import { type BeforeLayer, type EncoderSource, embedTokens, encode } from "./encoder.ts";
import { type PackedBatch, poolingMatrix } from "./pack.ts";
import { poolTexts, unitLength } from "./pool.ts";

/** [B, D] of the inputs that `packedFeeds` gives. */
export function encodeTexts(builder: GraphBuilder, source: EncoderSource, beforeLayer?: BeforeLayer): Tensor {
  const { states_RTD } = embedTokens(builder, source.config, source.weights);
  const segmentIds = builder.input("segmentIds", ["R", "T"], "int32");
  const inputs = { segmentIds, states_RTD, fromLayer: 0 };
  const final = encode(builder, source, inputs, beforeLayer);
  return unitLength(builder, poolTexts(builder, builder.input("pool", ["B", "X"]), final));
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
