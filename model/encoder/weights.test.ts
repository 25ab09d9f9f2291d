import { describe, expect, it } from "vitest";
import { makeTinyBackbone } from "../../test/helpers/tiny-backbone.ts";
import { parseSafetensors } from "../safetensors/parse.ts";
import { roundToHalf, toFloat32 } from "../safetensors/read-tensor.ts";
import { serializeSafetensors, type TensorToWrite } from "../safetensors/serialize.ts";
import { parseEncoderConfig } from "./config.ts";
import { readEncoderWeights } from "./weights.ts";

const bert = makeTinyBackbone({ feedForward: 48 });
const config = parseEncoderConfig(bert.config);
const weights = readEncoderWeights(bert.weights, config);

/** The tiny BERT's tensors, changed. */
function rewrite(
  change: (name: string, tensor: TensorToWrite) => [string, TensorToWrite] | undefined,
): Uint8Array {
  const entries = [...parseSafetensors(bert.weights).tensors].map(([name, tensor]) =>
    change(name, { dtype: "F32", shape: tensor.shape, values: toFloat32(name, tensor) }),
  );
  return serializeSafetensors(new Map(entries.filter((entry) => entry !== undefined)));
}

describe("readEncoderWeights", () => {
  it("gives each weight its role, linear weights as [in, out]", () => {
    const { tensors } = parseSafetensors(bert.weights);
    const name = "encoder.layer.1.intermediate.dense.weight";
    const tensor = tensors.get(name);
    if (!tensor) throw new Error(`${name} is missing`);
    const torch = toFloat32(name, tensor);
    const { feedForwardIn } = weights.layers[1] ?? {};
    expect(tensor.shape).toEqual([48, 32]);
    for (const [input, output] of [
      [0, 0],
      [3, 40],
      [31, 47],
    ] as const) {
      expect(feedForwardIn?.weight[input * 48 + output]).toBe(torch[output * 32 + input]);
    }
    expect(weights.layers).toHaveLength(2);
    expect(weights.tokenEmbedding_VD).toHaveLength(config.vocabulary * 32);
    expect(weights.typeEmbedding).toHaveLength(2 * 32);
  });

  it("keeps RoBERTa's position rows before the offset", () => {
    const roberta = makeTinyBackbone({ family: "roberta" });
    const read = readEncoderWeights(roberta.weights, parseEncoderConfig(roberta.config));
    expect(read.positionEmbedding).toHaveLength((256 + 2) * 32);
  });

  it("finds MPNet's weights by their other names, and no token types", () => {
    const mpnet = makeTinyBackbone({ family: "mpnet" });
    const { tensors } = parseSafetensors(mpnet.weights);
    const read = readEncoderWeights(mpnet.weights, parseEncoderConfig(mpnet.config));
    const valuesOf = (name: string) => toFloat32(name, tensors.get(name) ?? expect.unreachable(name));
    const { query, attentionOutput, attentionNorm } = read.layers[1] ?? expect.unreachable();
    expect(query.bias).toEqual(valuesOf("encoder.layer.1.attention.attn.q.bias"));
    expect(attentionOutput.bias).toEqual(valuesOf("encoder.layer.1.attention.attn.o.bias"));
    expect(attentionNorm.gamma_D).toEqual(valuesOf("encoder.layer.1.attention.LayerNorm.weight"));
    expect(read.relativeBias).toEqual(valuesOf("encoder.relative_attention_bias.weight"));
    expect(read.typeEmbedding).toBeUndefined();
    expect(weights.relativeBias).toBeUndefined();
  });

  it.each(["bert.", "roberta.", "mpnet.", "model.", "auto_model."])(
    "takes names with the prefix %s",
    (prefix) => {
      const file = rewrite((name, tensor) => [prefix + name, tensor]);
      expect(readEncoderWeights(file, config)).toEqual(weights);
    },
  );

  it("takes gamma and beta for the norms' weight and bias", () => {
    const file = rewrite((name, tensor) => [
      name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"),
      tensor,
    ]);
    expect(readEncoderWeights(file, config)).toEqual(weights);
  });

  it("takes half precision", () => {
    const file = rewrite((name, tensor) => [name, { ...tensor, dtype: "F16" }]);
    const read = readEncoderWeights(file, config);
    expect(read.tokenEmbedding_VD).toEqual(roundToHalf(weights.tokenEmbedding_VD));
    expect(read.layers[0]?.key.weight).toEqual(
      roundToHalf(weights.layers[0]?.key.weight ?? new Float32Array()),
    );
  });

  it("passes over tensors of other tasks", () => {
    const { tensors } = parseSafetensors(bert.weights);
    const all = new Map<string, TensorToWrite>();
    for (const [name, tensor] of tensors) {
      all.set(name, { dtype: "F32", shape: tensor.shape, values: toFloat32(name, tensor) });
    }
    all.set("pooler.dense.weight", { dtype: "F32", shape: [1], values: new Float32Array(1) });
    all.set("cls.predictions.bias", { dtype: "F32", shape: [1], values: new Float32Array(1) });
    expect(readEncoderWeights(serializeSafetensors(all), config)).toEqual(weights);
  });

  it("names the tensor that is missing", () => {
    const missing = "encoder.layer.1.attention.self.value.bias";
    const file = rewrite((name, tensor) => (name === missing ? undefined : [name, tensor]));
    expect(() => readEncoderWeights(file, config)).toThrow(`lack the tensor ${missing}`);
    expect(() => readEncoderWeights(serializeSafetensors(new Map()), config)).toThrow(
      /lack the tensor embeddings/,
    );
  });

  it("names the tensor of another shape, and both shapes", () => {
    expect(() => readEncoderWeights(bert.weights, { ...config, feedForward: 64 })).toThrow(
      "tensor encoder.layer.0.intermediate.dense.weight is [48,32]; config.json asks for [64,32]",
    );
  });

  it("refuses weights that are not finite", () => {
    const odd = "embeddings.LayerNorm.bias";
    const file = rewrite((name, tensor) => {
      const values = name === odd ? tensor.values.slice().fill(Number.NaN) : tensor.values;
      return [name, { ...tensor, values }];
    });
    expect(() => readEncoderWeights(file, config)).toThrow(/LayerNorm\.bias" holds NaN/);
  });
});

describe("a masked-language-model head", () => {
  const { maskHead } = readMasked(makeTinyBackbone({ maskHead: true }));

  function readMasked(files: { weights: Uint8Array; config: Uint8Array }) {
    return readEncoderWeights(files.weights, parseEncoderConfig(files.config));
  }

  function rewriteMasked(change: (name: string) => string, more: [string, TensorToWrite][] = []) {
    const files = makeTinyBackbone({ maskHead: true });
    const tensors = [...parseSafetensors(files.weights).tensors].map(
      ([name, tensor]): [string, TensorToWrite] => [
        change(name),
        { dtype: "F32", shape: tensor.shape, values: toFloat32(name, tensor) },
      ],
    );
    return readMasked({ ...files, weights: serializeSafetensors(new Map([...tensors, ...more])) });
  }

  it("is read where the file has one, its decoder the word embeddings", () => {
    expect(maskHead?.bias_V).toHaveLength(config.vocabulary);
    expect(maskHead?.decoder_VD).toHaveLength(config.vocabulary * 32);
    expect(maskHead?.decoder_VD).toEqual(readMasked(makeTinyBackbone({ maskHead: true })).tokenEmbedding_VD);
    expect(weights.maskHead).toBeUndefined();
  });

  it("is read under the names of the Hub's bert-base-uncased, other heads left alone", () => {
    const hub = rewriteMasked(
      (name) =>
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"),
      [["cls.seq_relationship.bias", { dtype: "F32", shape: [2], values: new Float32Array(2) }]],
    );
    expect(hub.maskHead).toEqual(maskHead);
  });

  it("is read with a decoder of its own", () => {
    const values = new Float32Array(config.vocabulary * 32).fill(0.5);
    const own: TensorToWrite = { dtype: "F32", shape: [config.vocabulary, 32], values };
    const read = rewriteMasked((name) => name, [["cls.predictions.decoder.weight", own]]);
    expect(read.maskHead?.decoder_VD).toEqual(values);
  });

  it("is refused when a part of it is missing", () => {
    const read = () => rewriteMasked((name) => name.replace("transform.LayerNorm.bias", "elsewhere"));
    expect(read).toThrow("lack the tensor cls.predictions.transform.LayerNorm.bias");
  });
});
