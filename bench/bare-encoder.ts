// The frozen encoder with nothing inserted, packed as the serving graph is: what serving is compared with.
import type { Backbone, Encoding } from "#model";
import { encodeTexts, packedFeeds, packTexts } from "#model/encoder";
import { GraphBuilder } from "#model/graph";
import { Session } from "#model/runtime";

export class BareEncoder {
  readonly #backbone: Backbone;
  readonly #session: Session;

  private constructor(backbone: Backbone, session: Session) {
    this.#backbone = backbone;
    this.#session = session;
  }

  static async create(backbone: Backbone, threads: number): Promise<BareEncoder> {
    const builder = new GraphBuilder();
    builder.output("features", encodeTexts(builder, backbone));
    return new BareEncoder(backbone, await Session.create(builder.build(), { threads }));
  }

  /** Packing and one forward pass: vectors [B, D]. */
  async run(encodings: readonly Encoding[]): Promise<Float32Array> {
    const { config } = this.#backbone;
    const feeds = packedFeeds(packTexts(encodings, config), config);
    return (await this.#session.run(feeds, ["features"])).features;
  }

  async close(): Promise<void> {
    await this.#session.close();
  }
}
