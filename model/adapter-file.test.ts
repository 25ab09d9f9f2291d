import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRandom } from "../test/helpers/random.ts";
import { ADAPTER_BYTES_MAX, parseAdapter, serializeAdapter } from "./adapter-file.ts";
import { ModelError } from "./errors.ts";
import { parseSafetensors } from "./safetensors/parse.ts";
import { roundToHalf, toFloat32 } from "./safetensors/read-tensor.ts";
import { serializeSafetensors, type TensorToWrite } from "./safetensors/serialize.ts";
import type { Adapter, Insertion } from "./spt/adapter.ts";

const BACKBONE = { id: "tiny/one", digest: `sha256:${"a".repeat(64)}` };

interface Sizes {
  width: number;
  layers: number[];
  scaleShift: number[];
  lowRank: number[];
  pooling: "mean" | "slots";
  promptTokens: number;
  bottleneck: number;
  labels: number;
}

function makeAdapter(sizes: Partial<Sizes> = {}): Adapter {
  const {
    width = 8,
    layers = [0, 2],
    scaleShift = [1],
    lowRank = [],
    pooling = "slots",
    promptTokens = 3,
    bottleneck = 4,
    labels = 2,
  } = sizes;
  const random = createRandom(7);
  const fill = (length: number) => roundToHalf(Float32Array.from({ length }, () => random.normal()));
  const makeGenerator = (layer: number): Insertion => ({
    kind: "prompt_generator",
    layer,
    pooling,
    promptTokens,
    bottleneck,
    down_DM: fill(width * bottleneck),
    up_ME: fill(bottleneck * width * (pooling === "mean" ? promptTokens : 1)),
    bias_PD: fill(promptTokens * width),
  });
  const vectors = () => ({ scale_D: fill(width), shift_D: fill(width) });
  const makeScaleShift = (layer: number): Insertion => ({
    kind: "scale_shift",
    layer,
    attention: vectors(),
    output: vectors(),
  });
  const product = () => ({ down_DK: fill(width * 2), up_KD: fill(2 * width) });
  const makeLowRank = (layer: number): Insertion => ({
    ...{ kind: "low_rank", layer, rank: 2 },
    ...{ query: product(), value: product() },
  });
  const insertions = [
    ...layers.map(makeGenerator),
    ...scaleShift.map(makeScaleShift),
    ...lowRank.map(makeLowRank),
  ];
  return {
    width,
    insertions: insertions.sort((one, other) => one.layer - other.layer),
    head: { weight_CD: fill(labels * width), bias_C: fill(labels) },
    labels: Array.from({ length: labels }, (_, i) => `label ${i}`),
    temperature: 1.25,
    pairMode: "joint",
  };
}

const adapter = makeAdapter();
const files = serializeAdapter(adapter, BACKBONE);

describe("an adapter", () => {
  it.each(["mean", "slots"] as const)("is the same after a trip through its files (%s)", (pooling) => {
    for (const layers of [[], [1], [0, 3, 5]]) {
      const original = makeAdapter({ pooling, layers, lowRank: [1, 2] });
      expect(parseAdapter(serializeAdapter(original, BACKBONE))).toEqual(original);
    }
  });

  it("keeps its out-of-scope threshold, and keeps none where it has none", () => {
    for (const below of [-1e3, 0, 2.123456789]) {
      const original: Adapter = { ...adapter, outOfScope: { score: "max_logit", below } };
      expect(parseAdapter(serializeAdapter(original, BACKBONE))).toEqual(original);
    }
    expect(parseAdapter(files)).not.toHaveProperty("outOfScope");
    const infinite = { ...adapter, outOfScope: { score: "max_logit" as const, below: -Infinity } };
    expect(() => serializeAdapter(infinite, BACKBONE)).toThrow(/outOfScope\.below/);
  });

  it("of dual pairs has a head over the pair features, and no other", () => {
    const bias_C = Float32Array.of(0, 1);
    const head = { weight_CD: new Float32Array(2 * (2 * 8 + 1)).fill(0.5), bias_C };
    const dual: Adapter = { ...adapter, pairMode: "dual", head };
    expect(parseAdapter(serializeAdapter(dual, BACKBONE))).toEqual(dual);
    expect(() => serializeAdapter({ ...adapter, pairMode: "dual" }, BACKBONE)).toThrow(/classifier\.weight/);
  });

  it("has its low-rank updates under PEFT's names, in torch's order", () => {
    const original = makeAdapter({ layers: [], scaleShift: [], lowRank: [2] });
    const { tensors } = parseSafetensors(serializeAdapter(original, BACKBONE).weights);
    const self = "base_model.model.encoder.layer.2.attention.self";
    const shapes = [...tensors]
      .filter(([name]) => name.startsWith(self))
      .map(([name, { shape }]) => `${name.slice(self.length)} ${shape}`);
    expect(shapes).toEqual([
      ".query.lora_A.weight 2,8",
      ".query.lora_B.weight 8,2",
      ".value.lora_A.weight 2,8",
      ".value.lora_B.weight 8,2",
    ]);
  });

  it("keeps its template, and writes none where there is none", () => {
    const templated = { ...adapter, template: "{text} It was {mask} ." };
    expect(parseAdapter(serializeAdapter(templated, BACKBONE))).toEqual(templated);
    expect(JSON.parse(new TextDecoder().decode(files.config)).softgate).not.toHaveProperty("template");
  });

  it.each([
    ["{text} It was good.", /\{mask\} exactly once/],
    ["{text} {mask} {mask}", /\{mask\} exactly once/],
    ["{mask}", /\{text\} exactly once/],
  ])("with the template %s is refused", (template, message) => {
    expect(() => serializeAdapter({ ...adapter, template }, BACKBONE)).toThrow(message);
  });

  it("with a template has joint pairs", () => {
    const head = { weight_CD: new Float32Array(2 * (2 * 8 + 1)), bias_C: new Float32Array(2) };
    const dual: Adapter = { ...adapter, pairMode: "dual", head, template: "{text} {mask} {text_pair}" };
    expect(() => serializeAdapter(dual, BACKBONE)).toThrow(/joint/);
  });

  it("has PEFT's file fields and tensors in torch's order, the same bytes each time", () => {
    expect(serializeAdapter(adapter, BACKBONE)).toEqual(files);
    const config = JSON.parse(new TextDecoder().decode(files.config));
    expect(config).toMatchObject({
      peft_type: "SPT",
      task_type: "SEQ_CLS",
      base_model_name_or_path: "tiny/one",
      softgate: { format: 1, backbone_digest: BACKBONE.digest },
    });
    const { tensors } = parseSafetensors(files.weights);
    const shapes = [...tensors].map(([name, { dtype, shape }]) => `${name} ${dtype} ${shape}`);
    expect(shapes).toEqual([
      "base_model.model.classifier.bias F16 2",
      "base_model.model.classifier.weight F16 2,8",
      "base_model.model.encoder.layer.0.prompt_generator.bias F16 3,8",
      "base_model.model.encoder.layer.0.prompt_generator.down.weight F16 4,8",
      "base_model.model.encoder.layer.0.prompt_generator.up.weight F16 8,4",
      "base_model.model.encoder.layer.1.attention.output.LayerNorm.delta.bias F16 8",
      "base_model.model.encoder.layer.1.attention.output.LayerNorm.delta.weight F16 8",
      "base_model.model.encoder.layer.1.output.LayerNorm.delta.bias F16 8",
      "base_model.model.encoder.layer.1.output.LayerNorm.delta.weight F16 8",
      "base_model.model.encoder.layer.2.prompt_generator.bias F16 3,8",
      "base_model.model.encoder.layer.2.prompt_generator.down.weight F16 4,8",
      "base_model.model.encoder.layer.2.prompt_generator.up.weight F16 8,4",
    ]);
  });

  it("of six prompt layers on the default backbone stays under 500 KB", () => {
    const layers = [0, 1, 2, 3, 4, 5];
    const shape = { width: 384, layers, scaleShift: layers, promptTokens: 8, bottleneck: 44 };
    const large = makeAdapter({ ...shape, labels: 20 });
    expect(serializeAdapter(large, BACKBONE).weights.length).toBeLessThan(500_000);
  });

  it("with weights that F16 or F32 cannot hold is not written", () => {
    for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, 70_000]) {
      const head = { ...adapter.head, bias_C: Float32Array.of(0, odd) };
      expect(() => serializeAdapter({ ...adapter, head }, BACKBONE)).toThrow(
        /^Invalid adapter: .*classifier\.bias/,
      );
    }
  });

  it("may have F32 weights", () => {
    const weights = rewriteTensors((tensors) => {
      for (const [name, tensor] of tensors) tensors.set(name, { ...tensor, dtype: "F32" });
    });
    expect(parseAdapter({ ...files, weights })).toEqual(adapter);
  });
});

function rewriteTensors(change: (tensors: Map<string, TensorToWrite>) => void): Uint8Array {
  const tensors = new Map<string, TensorToWrite>();
  for (const [name, tensor] of parseSafetensors(files.weights).tensors) {
    tensors.set(name, { dtype: "F16", shape: tensor.shape, values: toFloat32(name, tensor) });
  }
  change(tensors);
  return serializeSafetensors(tensors);
}

type Json = Record<string, unknown>;

function rewriteConfig(change: (softgate: Json, config: Json) => void): Uint8Array {
  const config = JSON.parse(new TextDecoder().decode(files.config));
  change(config.softgate, config);
  return new TextEncoder().encode(JSON.stringify(config));
}

function changeInsertion(change: Json): Uint8Array {
  return rewriteConfig((softgate) => {
    const [first, ...others] = softgate.insertions as Json[];
    softgate.insertions = [{ ...first, ...change }, ...others];
  });
}

describe("a configuration is refused", () => {
  const table: [string, Uint8Array, RegExp][] = [
    ["that is not JSON", new TextEncoder().encode("{"), /not JSON/],
    ["that is not UTF-8", Uint8Array.of(0x22, 0xff, 0x22), /not JSON in UTF-8/],
    ["that is null", new TextEncoder().encode("null"), /adapter_config\.json/],
    ["that is too long", new Uint8Array(2_000_000), /at most 1048576/],
    [
      "of another adapter type",
      rewriteConfig((_, config) => Object.assign(config, { peft_type: "LORA" })),
      /SPT/,
    ],
    ["with an unknown field", rewriteConfig((softgate) => Object.assign(softgate, { extra: 1 })), /extra/],
    ["without labels", rewriteConfig((softgate) => delete softgate.labels), /labels/],
    ["with one label", rewriteConfig((softgate) => Object.assign(softgate, { labels: ["a"] })), /labels/],
    [
      "with a label twice",
      rewriteConfig((softgate) => Object.assign(softgate, { labels: ["a", "a"] })),
      /labels must be unique/,
    ],
    [
      "with temperature 0",
      rewriteConfig((softgate) => Object.assign(softgate, { temperature: 0 })),
      /temperature/,
    ],
    [
      "with an out-of-scope threshold that is no number",
      rewriteConfig((softgate) =>
        Object.assign(softgate, { outOfScope: { score: "max_logit", below: "1" } }),
      ),
      /outOfScope\.below/,
    ],
    [
      "with an out-of-scope score it does not know",
      rewriteConfig((softgate) => Object.assign(softgate, { outOfScope: { score: "energy", below: 1 } })),
      /outOfScope\.score/,
    ],
    [
      "with a digest that is none",
      rewriteConfig((s) => Object.assign(s, { backbone_digest: "x" })),
      /digest/,
    ],
    ["with a layer twice", changeInsertion({ layer: 2 }), /ascend by layer/],
    [
      "with a generator after the scales of its layer",
      rewriteConfig((softgate) => {
        const [generator, vectors] = softgate.insertions as Json[];
        softgate.insertions = [{ ...vectors, layer: 0 }, generator];
      }),
      /in the order prompt_generator, scale_shift, low_rank/,
    ],
    ["with layers out of order", changeInsertion({ layer: 5 }), /ascend by layer/],
    ["with too many prompt tokens", changeInsertion({ promptTokens: 33 }), /promptTokens/],
    ["with too wide a bottleneck", changeInsertion({ bottleneck: 257 }), /bottleneck/],
    ["with another pooling", changeInsertion({ pooling: "max" }), /pooling/],
    [
      "of a later kind",
      changeInsertion({ kind: "scale", alpha: 1 }),
      /kind "scale".*made by a newer version/,
    ],
    ["of a later format", rewriteConfig((s) => Object.assign(s, { format: 2 })), /format 2.*newer version/],
  ];

  it.each(table)("%s", (_, config, problem) => {
    expect(() => parseAdapter({ ...files, config })).toThrow(problem);
    expect(() => parseAdapter({ ...files, config })).toThrow(ModelError);
  });
});

const DOWN = "base_model.model.encoder.layer.0.prompt_generator.down.weight";

describe("weights are refused", () => {
  const table: [string, Uint8Array, RegExp][] = [
    ["that lack a tensor", rewriteTensors((tensors) => tensors.delete(DOWN)), /down\.weight is missing/],
    [
      "with a tensor too many",
      rewriteTensors((tensors) => {
        tensors.set("extra", { dtype: "F16", shape: [1], values: new Float32Array(1) });
      }),
      /tensor extra is not one/,
    ],
    [
      "of another shape",
      rewriteTensors((tensors) => {
        tensors.set(DOWN, { dtype: "F16", shape: [8, 4], values: new Float32Array(32) });
      }),
      /down\.weight is \[8,4\]; adapter_config\.json asks for \[4,8\]/,
    ],
    [
      "with NaN",
      rewriteTensors((tensors) => {
        tensors.set(DOWN, { dtype: "F32", shape: [4, 8], values: new Float32Array(32).fill(Number.NaN) });
      }),
      /down\.weight" holds NaN/,
    ],
    ["that are cut", files.weights.subarray(0, -2), /Invalid adapter: Invalid safetensors: tensor/],
    ["that are a pickle", Uint8Array.of(0x80, 2, 0x8a, 0x0a, ...new Uint8Array(40)), /Python pickle/],
    ["that are too long", new Uint8Array(ADAPTER_BYTES_MAX + 1), /at most 33554432/],
  ];

  it.each(table)("%s", (_, weights, problem) => {
    expect(() => parseAdapter({ ...files, weights })).toThrow(problem);
    expect(() => parseAdapter({ ...files, weights })).toThrow(
      expect.objectContaining({ code: "invalid_adapter" }),
    );
  });
});

it("whatever bytes are changed, only ModelError invalid_adapter is thrown", () => {
  const edits = fc.array(fc.tuple(fc.nat(5_000), fc.nat(255)), { maxLength: 3 });
  fc.assert(
    fc.property(edits, edits, (configEdits, weightEdits) => {
      const change = (bytes: Uint8Array, list: [number, number][]) => {
        const changed = bytes.slice();
        for (const [at, byte] of list) changed[at % changed.length] = byte;
        return changed;
      };
      try {
        parseAdapter({
          config: change(files.config, configEdits),
          weights: change(files.weights, weightEdits),
        });
      } catch (error) {
        expect(error).toMatchObject({ name: "ModelError", code: "invalid_adapter" });
      }
    }),
    { numRuns: 500 },
  );
});
