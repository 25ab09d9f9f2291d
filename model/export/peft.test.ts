import { describe, expect, test } from "vitest";
import { makeRandomAdapter } from "../../test/helpers/random-adapter.ts";
import { makeTinyBackbone, type TinyFamily } from "../../test/helpers/tiny-backbone.ts";
import { serializeAdapter } from "../adapter-file.ts";
import { parseBackbone } from "../backbone.ts";
import { parseSafetensors } from "../safetensors/parse.ts";
import { roundToHalf, toFloat32 } from "../safetensors/read-tensor.ts";
import { transpose } from "../safetensors/transpose.ts";
import { isLowRank, isScaleShift } from "../spt/adapter.ts";
import { exportPeft } from "./peft.ts";

const ORIGIN = { name: "tickets", version: 3, digest: `sha256:${"a".repeat(64)}`, softgate: "0.0.0" };
const tiny = (family: TinyFamily) => parseBackbone("tiny", makeTinyBackbone({ family }));

function exported(
  family: TinyFamily,
  promptTokens: number,
  scaleShift: number[],
  lowRank: { layer: number; rank: number }[] = [],
) {
  const backbone = tiny(family);
  const generators =
    promptTokens === 0 ? [] : [{ layer: 0, pooling: "mean" as const, promptTokens, bottleneck: 2 }];
  const adapter = makeRandomAdapter({
    ...{ width: backbone.config.width, seed: 1, classes: 3, generators, scaleShift, lowRank },
  });
  const files = serializeAdapter(adapter, backbone);
  return { backbone, adapter, own: files, folder: exportPeft(backbone, files, ORIGIN) };
}

function read(bytes: Uint8Array | undefined, name: string): Float32Array {
  const { tensors } = parseSafetensors(bytes ?? expect.unreachable());
  return toFloat32(name, tensors.get(name) ?? expect.unreachable());
}

describe("an adapter of scales and shifts alone", () => {
  test.each([
    ["bert", "encoder.layer.1.attention.output.LayerNorm"],
    ["roberta", "encoder.layer.1.attention.output.LayerNorm"],
    ["mpnet", "encoder.layer.1.attention.LayerNorm"],
  ] as const)("is PEFT's LN_TUNING: norms whole, under the names of a %s", (family, module) => {
    const { backbone, adapter, folder } = exported(family, 0, [1]);
    expect(folder.method).toBe("LN_TUNING");
    expect(JSON.parse(new TextDecoder().decode(folder.files["adapter_config.json"]))).toMatchObject({
      peft_type: "LN_TUNING",
      target_modules: [module, "encoder.layer.1.output.LayerNorm"],
    });
    const name = `base_model.model.${module}.ln_tuning_layers.bias`;
    const shift_D = read(folder.files["adapter_model.safetensors"], name);
    const [inserted] = adapter.insertions.filter(isScaleShift);
    const own_D = backbone.weights.layers[1]?.attentionNorm.beta_D;
    const halves_D = roundToHalf(inserted?.attention.shift_D ?? expect.unreachable());
    expect(shift_D).toEqual(halves_D.map((value, d) => value + (own_D?.[d] ?? 0)));
  });

  test("has its head and labels beside it", () => {
    const { adapter, folder } = exported("bert", 0, [0]);
    const weight_CD = read(folder.files["head.safetensors"], "classifier.weight");
    expect(weight_CD).toEqual(roundToHalf(adapter.head.weight_CD));
    expect(JSON.parse(new TextDecoder().decode(folder.files["softgate_config.json"]))).toMatchObject({
      adapter: "tickets:3",
      adapter_digest: ORIGIN.digest,
      id2label: { 0: "label 0", 1: "label 1", 2: "label 2" },
      ...{ pooling: "mean", pair_mode: "joint", temperature: adapter.temperature },
    });
  });
});

describe("an adapter of low-rank updates", () => {
  test.each([
    ["bert", "encoder.layer.1.attention.self.query", "encoder.layer.0.attention.output.LayerNorm"],
    ["mpnet", "encoder.layer.1.attention.attn.q", "encoder.layer.0.attention.LayerNorm"],
  ] as const)("is PEFT's LORA under the names of a %s, norms whole beside it", (family, query, norm) => {
    const { backbone, adapter, folder } = exported(family, 0, [0], [{ layer: 1, rank: 3 }]);
    expect(folder.method).toBe("LORA");
    const config = JSON.parse(new TextDecoder().decode(folder.files["adapter_config.json"]));
    expect(config).toMatchObject({ peft_type: "LORA", r: 3, lora_alpha: 3, rank_pattern: { [query]: 3 } });
    expect(config.target_modules).toContain(query);
    expect(config.modules_to_save).toContain(norm);
    const weights = folder.files["adapter_model.safetensors"];
    const [update] = adapter.insertions.filter(isLowRank);
    const { width } = backbone.config;
    const down_DK = roundToHalf(update?.query.down_DK ?? expect.unreachable());
    expect(read(weights, `base_model.model.${query}.lora_A.weight`)).toEqual(transpose(down_DK, width, 3));
    expect(read(weights, `base_model.model.${norm}.weight`)).toHaveLength(width);
  });

  test("of different ranks has each module's own, and no norms to save where there are none", () => {
    const updates = [
      { layer: 0, rank: 2 },
      { layer: 1, rank: 5 },
    ];
    const { folder } = exported("bert", 0, [], updates);
    const config = JSON.parse(new TextDecoder().decode(folder.files["adapter_config.json"]));
    expect(config.modules_to_save).toBeNull();
    expect(Object.values(config.rank_pattern)).toEqual([2, 2, 5, 5]);
    expect(config.alpha_pattern).toEqual(config.rank_pattern);
  });
});

test.each([
  ["prompt generators", 2, [1]],
  ["no insertions", 0, []],
] as const)("an adapter with %s is no method of PEFT's and keeps its own files", (_, tokens, scaleShift) => {
  const { own, folder } = exported("bert", tokens, [...scaleShift]);
  expect(folder.method).toBeUndefined();
  expect(folder.files["adapter_config.json"]).toEqual(own.config);
  expect(folder.files["adapter_model.safetensors"]).toEqual(own.weights);
});
