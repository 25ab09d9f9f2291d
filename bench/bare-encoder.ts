// The frozen encoder with nothing inserted, packed as the serving graph is: what serving is compared with.
import type { EncoderConfig, Encoding } from "#model";
import { type EncoderSource, encodeTexts, packedFeeds, packTexts } from "#model/encoder";
import { GraphBuilder } from "#model/graph";
import { Session } from "#model/runtime";

export class BareEncoder {
  readonly #config: EncoderConfig;
  readonly #session: Session;

  private constructor(config: EncoderConfig, session: Session) {
    this.#config = config;
    this.#session = session;
  }

  static async create(source: EncoderSource, threads: number): Promise<BareEncoder> {
    const builder = new GraphBuilder();
    builder.output("features", encodeTexts(builder, source));
    return new BareEncoder(source.config, await Session.create(builder.build(), { threads }));
  }

  /** Packing and one forward pass: vectors [B, D]. */
  async run(encodings: readonly Encoding[]): Promise<Float32Array> {
    const config = this.#config;
    const feeds = packedFeeds(packTexts(encodings, config), config);
    return (await this.#session.run(feeds, ["features"])).features;
  }

  async close(): Promise<void> {
    await this.#session.close();
  }
}
