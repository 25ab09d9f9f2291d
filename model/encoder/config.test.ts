import { describe, expect, it } from "vitest";
import { makeTinyBackbone } from "../../test/helpers/tiny-backbone.ts";
import { ModelError } from "../errors.ts";
import { parseEncoderConfig } from "./config.ts";

/** The config.json of all-MiniLM-L6-v2, without what only training reads. */
const MINILM = {
  architectures: ["BertModel"],
  hidden_act: "gelu",
  hidden_size: 384,
  intermediate_size: 1536,
  layer_norm_eps: 1e-12,
  max_position_embeddings: 512,
  model_type: "bert",
  num_attention_heads: 12,
  num_hidden_layers: 6,
  pad_token_id: 0,
  position_embedding_type: "absolute",
  type_vocab_size: 2,
  vocab_size: 30522,
};
const ROBERTA = {
  ...MINILM,
  model_type: "roberta",
  max_position_embeddings: 514,
  pad_token_id: 1,
  type_vocab_size: 1,
};

/** The config.json of all-mpnet-base-v2, without what only training reads. */
const MPNET = {
  architectures: ["MPNetForMaskedLM"],
  hidden_act: "gelu",
  hidden_size: 768,
  intermediate_size: 3072,
  layer_norm_eps: 1e-5,
  max_position_embeddings: 514,
  model_type: "mpnet",
  num_attention_heads: 12,
  num_hidden_layers: 12,
  pad_token_id: 1,
  relative_attention_num_buckets: 32,
  vocab_size: 30527,
};

function parse(json: unknown) {
  return parseEncoderConfig(new TextEncoder().encode(JSON.stringify(json)));
}

function without(key: keyof typeof MINILM | keyof typeof MPNET, from: Record<string, unknown> = MINILM) {
  return Object.fromEntries(Object.entries(from).filter(([name]) => name !== key));
}

describe("parseEncoderConfig", () => {
  it("reads BERT", () => {
    expect(parse(MINILM)).toEqual({
      family: "bert",
      width: 384,
      layers: 6,
      heads: 12,
      feedForward: 1536,
      vocabulary: 30522,
      positions: 512,
      positionOffset: 0,
      tokenTypes: 2,
      relativeBuckets: 0,
      normEpsilon: 1e-12,
      activation: "gelu",
      pooling: "mean",
    });
  });

  it.each(["roberta", "xlm-roberta", "camembert"])(
    "reads %s, whose positions begin behind the padding id",
    (type) => {
      const config = parse({ ...ROBERTA, model_type: type });
      expect(config).toMatchObject({ family: "roberta", positions: 512, positionOffset: 2, tokenTypes: 1 });
    },
  );

  it("reads MPNet: no token types, relative attention bias, positions from 2 on whatever the padding id", () => {
    const expected = {
      family: "mpnet",
      positions: 512,
      positionOffset: 2,
      tokenTypes: 0,
      relativeBuckets: 32,
    };
    expect(parse(MPNET)).toMatchObject(expected);
    expect(parse({ ...MPNET, pad_token_id: 0 })).toMatchObject(expected);
    expect(parse(without("relative_attention_num_buckets", MPNET))).toMatchObject(expected);
  });

  it("fills in what older files leave out", () => {
    const { activation, normEpsilon, tokenTypes } = parse(
      without(
        "position_embedding_type",
        without("hidden_act", without("layer_norm_eps", without("type_vocab_size"))),
      ),
    );
    expect([activation, normEpsilon, tokenTypes]).toEqual(["gelu", 1e-12, 2]);
    expect(parse(without("pad_token_id", ROBERTA)).positionOffset).toBe(2);
  });

  it.each([
    ["gelu_new", "gelu_tanh"],
    ["gelu_pytorch_tanh", "gelu_tanh"],
    ["relu", "relu"],
  ])("knows the activation %s", (name, activation) => {
    expect(parse({ ...MINILM, hidden_act: name }).activation).toBe(activation);
  });

  it("reads the tiny backbones", () => {
    expect(parseEncoderConfig(makeTinyBackbone({ layers: 3 }).config)).toMatchObject({
      layers: 3,
      width: 32,
    });
    const roberta = makeTinyBackbone({ family: "roberta" });
    expect(parseEncoderConfig(roberta.config)).toMatchObject({ family: "roberta", positions: 256 });
  });

  it.each([
    ["distilbert", { model_type: "distilbert" }, /"distilbert"; supported: bert, roberta/],
    ["other buckets", { ...MPNET, relative_attention_num_buckets: 64 }, /num_buckets 64; supported: 32/],
    ["no model_type", without("model_type"), /model_type undefined; supported/],
    ["relative positions", { ...MINILM, position_embedding_type: "relative_key" }, /supported: absolute/],
    ["another activation", { ...MINILM, hidden_act: "silu" }, /hidden_act "silu"; supported: gelu/],
    ["a decoder", { ...MINILM, is_decoder: true }, /is_decoder/],
  ])("refuses %s as unsupported and says what is supported", (_, json, problem) => {
    expect(() => parse(json)).toThrow(expect.objectContaining({ code: "unsupported_backbone" }));
    expect(() => parse(json)).toThrow(problem);
  });

  it.each([
    ["an array", [], /not a JSON object/],
    ["no width", without("hidden_size"), /hidden_size/],
    ["a width that the heads do not divide", { ...MINILM, hidden_size: 385 }, /385 is not divisible by 12/],
    ["no layers", { ...MINILM, num_hidden_layers: 0 }, /num_hidden_layers/],
    ["a text for a number", { ...MINILM, vocab_size: "30522" }, /vocab_size/],
    ["hardly any positions", { ...ROBERTA, max_position_embeddings: 4 }, /2 positions, 8 are needed/],
  ])("refuses %s as invalid and names it", (_, json, problem) => {
    expect(() => parse(json)).toThrow(expect.objectContaining({ code: "invalid_backbone" }));
    expect(() => parse(json)).toThrow(problem);
  });

  it("refuses bytes that are no JSON", () => {
    expect(() => parseEncoderConfig(Uint8Array.of(0xff, 0x7b))).toThrow(ModelError);
  });
});
