// The frozen encoder with nothing inserted, packed as the serving graph is: what serving is compared
// with, and where the frozen embeddings come from.
import type { Backbone, Encoding } from "#model";
import { embedTokens, encode, packTexts, poolingMatrix, poolTexts, unitLength } from "#model/encoder";
import { type Graph, GraphBuilder } from "#model/graph";
import { Session } from "#model/runtime";

/** Texts of one pass when many are embedded. */
const TEXTS_AT_ONCE = 128;

export class BareEncoder {
  readonly #backbone: Backbone;
  readonly #session: Session;

  private constructor(backbone: Backbone, session: Session) {
    this.#backbone = backbone;
    this.#session = session;
  }

  static async create(backbone: Backbone, threads: number): Promise<BareEncoder> {
    return new BareEncoder(backbone, await Session.create(bareGraph(backbone), { threads }));
  }

  /** Packing and one forward pass: unit-length vectors [B, D]. */
  async run(encodings: readonly Encoding[]): Promise<Float32Array> {
    const { config } = this.#backbone;
    const batch = packTexts(encodings, config);
    const shape = [batch.rows, batch.rowTokens];
    const pool = poolingMatrix(batch, config.pooling);
    const feeds = {
      tokenIds: { data: batch.tokenIds, shape },
      positionIds: { data: batch.positionIds, shape },
      typeIds: { data: batch.typeIds, shape },
      segmentIds: { data: batch.segmentIds, shape },
      pool: { data: pool, shape: [encodings.length, batch.rows * batch.rowTokens] },
    };
    return (await this.#session.run(feeds, ["features"])).features;
  }

  /** Of any number of texts, several passes: [n, D]. */
  async embed(encodings: readonly Encoding[]): Promise<Float32Array> {
    const { width } = this.#backbone.config;
    const features_BD = new Float32Array(encodings.length * width);
    for (let start = 0; start < encodings.length; start += TEXTS_AT_ONCE) {
      features_BD.set(await this.run(encodings.slice(start, start + TEXTS_AT_ONCE)), start * width);
    }
    return features_BD;
  }

  async close(): Promise<void> {
    await this.#session.close();
  }
}

function bareGraph({ config, weights }: Backbone): Graph {
  const builder = new GraphBuilder();
  const { states_RTD } = embedTokens(builder, config, weights);
  const segmentIds = builder.input("segmentIds", ["R", "T"], "int32");
  const final = encode(builder, { config, weights }, { segmentIds, states_RTD, fromLayer: 0 });
  const pooled = poolTexts(builder, builder.input("pool", ["B", "X"]), final);
  builder.output("features", unitLength(builder, pooled));
  return builder.build();
}
