import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { makeTinyBackbone } from "../../test/helpers/tiny-backbone.ts";
import { type Backbone, parseBackbone } from "../backbone.ts";
import { GraphBuilder } from "../graph/builder.ts";
import { must } from "../graph/ops.ts";
import { Session } from "../runtime/session.ts";
import type { Encoding, TextInput } from "../tokenizer/tokenizer.ts";
import { encodeTexts, packedFeeds } from "./encode-texts.ts";
import { maskScale } from "./mask-head.ts";
import { packTexts } from "./pack.ts";

const goldenSchema = z.object({
  digest: z.string(),
  cases: z.array(
    z.object({
      template: z.string(),
      text: z.string(),
      textPair: z.string().optional(),
      tokenIds: z.array(z.int()),
      maskAt: z.int(),
      logits_V: z.string(),
    }),
  ),
});

describe.each(["bert", "roberta", "mpnet"] as const)("words at the mask of tiny-%s", (family) => {
  const path = new URL(`../../test/fixtures/golden/mask-tiny-${family}.json`, import.meta.url);
  const golden = goldenSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  let backbone: Backbone;
  let session: Session;

  beforeAll(async () => {
    backbone = parseBackbone("tiny", makeTinyBackbone({ family, maskHead: true }));
    const builder = new GraphBuilder();
    builder.output("features", encodeTexts(builder, backbone));
    session = await Session.create(builder.build(), { threads: 1 });
  });
  afterAll(() => session.close());

  const encodingOf = ({ template, text, textPair }: (typeof golden.cases)[number]): Encoding => {
    const input: TextInput = textPair === undefined ? text : { text, textPair };
    return backbone.tokenizer.encode(input, template);
  };

  test("are of the backbone the golden file was made with, which reads its mask", () => {
    expect(backbone.digest).toBe(golden.digest);
    expect(backbone.config.pooling).toBe("mask");
  });

  test("stand in templates as Hugging Face's tokenizers read these", () => {
    for (const one of golden.cases) {
      const { tokenIds, maskAt, truncated } = encodingOf(one);
      expect({ tokenIds, maskAt, truncated }, one.template).toEqual({
        ...{ tokenIds: one.tokenIds, maskAt: one.maskAt },
        truncated: false,
      });
    }
  });

  test("have the logits of Hugging Face transformers to 1e-4, packed together and alone", async () => {
    const encodings = golden.cases.map(encodingOf);
    const together = await wordLogits(encodings);
    for (const [index, { logits_V, template }] of golden.cases.entries()) {
      const [alone] = await wordLogits([must(encodings[index], "encoding")]);
      for (const found of [together[index], alone]) {
        expect(largestDifference(found, decode(logits_V)), template).toBeLessThan(1e-4);
      }
    }
  });

  test("come from vectors of about unit length", async () => {
    for (const features_D of await features(golden.cases.map(encodingOf))) {
      const length = Math.sqrt(features_D.reduce((sum, value) => sum + value ** 2, 0));
      expect(length).toBeGreaterThan(0.7);
      expect(length).toBeLessThan(1.3);
    }
  });

  test("need a mask: a text outside of a template is refused, not read somewhere else", () => {
    const batch = packTexts([backbone.tokenizer.encode("good")], backbone.config);
    expect(() => packedFeeds(batch, backbone.config)).toThrow(/mask of text 0/);
  });

  async function features(encodings: readonly Encoding[]): Promise<Float32Array[]> {
    const { width } = backbone.config;
    const batch = packTexts(encodings, backbone.config);
    const result = await session.run(packedFeeds(batch, backbone.config), ["features"]);
    return encodings.map((_, at) => result.features.subarray(at * width, (at + 1) * width));
  }

  /** As a head would compute them whose rows are all of the decoder's. */
  async function wordLogits(encodings: readonly Encoding[]): Promise<Float32Array[]> {
    const maskHead = must(backbone.weights.maskHead, "head");
    const scale = maskScale(maskHead);
    return (await features(encodings)).map((features_D) =>
      maskHead.bias_V.map((bias, word) => {
        const row = maskHead.decoder_VD.subarray(word * features_D.length, (word + 1) * features_D.length);
        return row.reduce((sum, weight, d) => sum + scale * weight * (features_D[d] ?? 0), bias);
      }),
    );
  }
});

function largestDifference(a: Float32Array | undefined, b: Float32Array): number {
  if (a?.length !== b.length) return Number.NaN;
  return a.reduce((worst, value, index) => Math.max(worst, Math.abs(value - (b[index] ?? Number.NaN))), 0);
}

function decode(base64: string): Float32Array {
  const bytes = Buffer.from(base64, "base64");
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}
