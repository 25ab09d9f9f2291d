import { expect, test } from "vitest";
import { GraphBuilder } from "../graph/builder.ts";
import { Session } from "../runtime/session.ts";
import { addRelativeBias, relativeBias } from "./relative-bias.ts";
import { bucketMatrix, bucketOf, FARTHEST_BUCKET, RELATIVE_BUCKETS } from "./relative-buckets.ts";

const HEADS = 2;
const TOKENS = 5;
const biases = Float32Array.from({ length: RELATIVE_BUCKETS * HEADS }, (_, at) => Math.sin(at + 1));
const biasOf = (bucket: number, head: number) => biases[bucket * HEADS + head] ?? Number.NaN;

test.each([0, 3])(
  "each key has its distance's bias less its head's farthest one; %i prompts have 0, as if they were farthest",
  async (prompts) => {
    const keys = TOKENS + prompts;
    const builder = new GraphBuilder();
    const hidden = builder.input("hidden", ["R", 1, "T", prompts > 0 ? "T+U" : "T"]);
    const buckets = builder.input("buckets", [1, "T", "T"], "int32");
    const relative = relativeBias(builder, { biases, heads: HEADS }, buckets);
    builder.output("bias", addRelativeBias(builder, hidden, relative));
    const session = await Session.create(builder.build(), { threads: 1 });
    const data = Float32Array.from({ length: 2 * TOKENS * keys }, (_, at) => at);
    const feeds = {
      hidden: { data, shape: [2, 1, TOKENS, keys] },
      buckets: { data: bucketMatrix(TOKENS), shape: [1, TOKENS, TOKENS] },
    };
    const { bias } = await session.run(feeds, ["bias"]);
    await session.close();
    expect(bias).toHaveLength(2 * HEADS * TOKENS * keys);
    for (const [at, value] of bias.entries()) {
      const key = at % keys;
      const query = Math.floor(at / keys) % TOKENS;
      const head = Math.floor(at / (keys * TOKENS)) % HEADS;
      const row = Math.floor(at / (keys * TOKENS * HEADS));
      const far = biasOf(FARTHEST_BUCKET, head);
      const expected = key < TOKENS ? biasOf(bucketOf(key - query), head) - far : 0;
      expect(value).toBeCloseTo((data[(row * TOKENS + query) * keys + key] ?? Number.NaN) + expected, 5);
    }
  },
);
