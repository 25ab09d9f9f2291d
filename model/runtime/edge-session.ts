// What stands between the classifier and a session in WebAssembly, whose memory is short and to which all feeds are
// copied: the word embeddings stay outside, rows of them are fed; and of the slabs only the adapters of the pass.
import { compactSlabs } from "./compact-slabs.ts";
import type { EdgeBackbone } from "./edge-backbone.ts";
import type { Feed } from "./session.ts";
import type { PassSession } from "./session-pool.ts";

export class EdgeSession implements PassSession {
  readonly #session: PassSession;
  readonly #backbone: Pick<EdgeBackbone, "config" | "words_VD">;

  constructor(session: PassSession, { config, words_VD }: Pick<EdgeBackbone, "config" | "words_VD">) {
    this.#session = session;
    this.#backbone = { config, words_VD };
  }

  run<Output extends string>(
    { tokenIds, ...feeds }: Readonly<Record<string, Feed>>,
    outputs: readonly Output[],
  ): Promise<Record<Output, Float32Array>> {
    if (!tokenIds) throw new Error("invariant: a pass has token ids");
    const { config, words_VD } = this.#backbone;
    const words = wordRows(tokenIds, words_VD, config.width);
    return this.#session.run({ ...compactSlabs(feeds, config.layers), words }, outputs);
  }

  close(): Promise<void> {
    return this.#session.close();
  }
}

/** [R, T] ids → [R, T, D] */
function wordRows({ data: ids, shape }: Feed, words_VD: Float16Array, width: number): Feed {
  const rows = new Float32Array(ids.length * width);
  for (const [at, id] of ids.entries()) {
    rows.set(words_VD.subarray(id * width, (id + 1) * width), at * width);
  }
  return { data: rows, shape: [...shape, width] };
}
