// One batch as a server computes it: as many sessions as its cores are given to, at once, in passes about as large as a
// server makes them. The bare backbone is computed so too: what is compared is what stands in the graph.
import type { Encoding } from "#model";
import { type EncoderSource, encodeTexts } from "#model/encoder";
import { type Graph, GraphBuilder } from "#model/graph";
import { type Feed, planSessions, type SessionCounts, ThreadSession } from "#model/runtime";

/** At most: on two cores, about what a server computes in the time it gives a pass. */
export const PASS_TOKENS = 256;

interface Text {
  readonly encoding: Encoding;
}

export class SideBySide {
  readonly #sessions: readonly ThreadSession[];

  private constructor(sessions: readonly ThreadSession[]) {
    this.#sessions = sessions;
  }

  static async create(graph: Graph, counts: SessionCounts): Promise<SideBySide> {
    const { sessions: count, threads } = planSessions(counts);
    const sessions: ThreadSession[] = [];
    while (sessions.length < count) sessions.push(await ThreadSession.create(graph, { threads }));
    return new SideBySide(sessions);
  }

  /** Packing and forward passes, each of a share of the texts: vectors [B, D]. */
  async run<Item extends Text>(
    items: readonly Item[],
    feedsOf: (share: readonly Item[]) => Readonly<Record<string, Feed>>,
  ): Promise<Float32Array[]> {
    const total = items.reduce((sum, { encoding }) => sum + encoding.tokenIds.length, 0);
    const sessions = this.#sessions.length;
    const passes = sessions * Math.ceil(total / PASS_TOKENS / sessions);
    const shares = sharesOf(items, passes).filter(({ length }) => length > 0);
    const runs = shares.map(async (share, pass) => {
      const session = this.#sessions[pass % sessions];
      return session?.run(feedsOf(share), ["features"]);
    });
    return (await Promise.all(runs)).flatMap((outputs) => outputs?.features ?? []);
  }

  async close(): Promise<void> {
    for (const session of this.#sessions) await session.close();
  }
}

/** The encoder with nothing inserted. */
export function bareGraph(source: EncoderSource): Graph {
  const builder = new GraphBuilder();
  builder.output("features", encodeTexts(builder, source));
  return builder.build();
}

/** In order, with as many tokens each as whole texts allow. */
export function sharesOf<Item extends Text>(items: readonly Item[], count: number): Item[][] {
  const tokensOf = ({ encoding }: Item) => encoding.tokenIds.length;
  const total = items.reduce((sum, item) => sum + tokensOf(item), 0);
  const shares: Item[][] = Array.from({ length: count }, () => []);
  let before = 0;
  for (const item of items) {
    const middle = before + tokensOf(item) / 2;
    shares[Math.min(count - 1, Math.floor((count * middle) / total))]?.push(item);
    before += tokensOf(item);
  }
  return shares;
}
