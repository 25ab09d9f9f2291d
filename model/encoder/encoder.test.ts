import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { defaultBackbone, mpnetBackbone } from "../../test/helpers/pulled-backbone.ts";
import { makeTinyBackbone } from "../../test/helpers/tiny-backbone.ts";
import { type Backbone, parseBackbone } from "../backbone.ts";
import { GraphBuilder } from "../graph/builder.ts";
import { Session } from "../runtime/session.ts";
import { packedFeeds } from "./encode-texts.ts";
import { embedTokens, encode } from "./encoder.ts";
import { type PackedBatch, packTexts } from "./pack.ts";
import { positionInputs } from "./position-inputs.ts";

const goldenSchema = z.object({
  digest: z.string(),
  texts: z.array(z.object({ tokenIds: z.array(z.int()), typeIds: z.array(z.int()), hidden_LD: z.string() })),
});

const backbones = [
  { name: "tiny-bert", read: async () => makeTinyBackbone({ family: "bert" }) },
  { name: "tiny-roberta", read: async () => makeTinyBackbone({ family: "roberta" }) },
  { name: "tiny-mpnet", read: async () => makeTinyBackbone({ family: "mpnet" }) },
  ...(defaultBackbone.isThere ? [{ name: "minilm", read: async () => defaultBackbone.read() }] : []),
  ...(mpnetBackbone.isThere ? [{ name: "mpnet", read: async () => mpnetBackbone.read() }] : []),
];

describe.each(backbones)("hidden states of $name", ({ name, read }) => {
  const golden = goldenSchema.parse(
    JSON.parse(
      readFileSync(new URL(`../../test/fixtures/golden/hidden-${name}.json`, import.meta.url), "utf8"),
    ),
  );
  let backbone: Backbone;
  let session: Session;

  beforeAll(async () => {
    backbone = parseBackbone(name, await read());
    session = await Session.create(hiddenStatesGraph(backbone));
  });
  afterAll(() => session.close());

  test("are of the backbone the golden file was made with", () => {
    expect(backbone.digest).toBe(golden.digest);
  });

  test("equal Hugging Face transformers' to 1e-4, packed together and alone", async () => {
    const together = packTexts(golden.texts, backbone.config);
    expect(largestDifference(together, await hiddenStates(together))).toBeLessThan(1e-4);
    for (const [index, text] of golden.texts.entries()) {
      const alone = packTexts([text], backbone.config);
      expect(largestDifference(alone, await hiddenStates(alone), index)).toBeLessThan(1e-4);
    }
  });

  async function hiddenStates(batch: PackedBatch): Promise<Float32Array> {
    const { pool: _, ...feeds } = packedFeeds(batch, backbone.config);
    return (await session.run(feeds, ["hidden"])).hidden;
  }

  function largestDifference(batch: PackedBatch, states: Float32Array, first = 0): number {
    let worst = 0;
    for (const [index, { offset, length }] of batch.placements.entries()) {
      const expected = decode(golden.texts[first + index]?.hidden_LD ?? "");
      expect(expected.length).toBe(length * backbone.config.width);
      for (const [at, value] of expected.entries()) {
        worst = Math.max(
          worst,
          Math.abs(value - (states[offset * backbone.config.width + at] ?? Number.NaN)),
        );
      }
    }
    return worst;
  }
});

function hiddenStatesGraph(backbone: Backbone) {
  const builder = new GraphBuilder();
  const { states_RTD } = embedTokens(builder, backbone);
  const inputs = { ...positionInputs(builder, backbone.config), states_RTD, fromLayer: 0 };
  builder.output("hidden", encode(builder, backbone, inputs));
  return builder.build();
}

function decode(base64: string): Float32Array {
  const bytes = Buffer.from(base64, "base64");
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}
