// An adapter as the folder that PEFT loads, where PEFT has its method: scales and shifts are its LN_TUNING, low-rank
// updates its LORA, with norms beside them as modules that it saves whole. A prompt generator is no method of PEFT's; neither are the template, the pair features and the head on normalised means.
// What PEFT does not load lies beside it: head.safetensors and softgate_config.json.
import { type AdapterFiles, parseAdapter } from "../adapter-file.ts";
import type { Backbone } from "../backbone.ts";
import type { EncoderConfig } from "../encoder/config.ts";
import { loraMatrices } from "../lora-matrices.ts";
import { featureWidth } from "../pair-features.ts";
import { assertFits } from "../runtime/adapter-cache.ts";
import { serializeSafetensors, type TensorToWrite } from "../safetensors/serialize.ts";
import {
  type Adapter,
  isLowRank,
  isPromptGenerator,
  isScaleShift,
  type LowRank,
  NORM_SITES,
  type NormSite,
  PRODUCT_SITES,
  type ProductSite,
  type ScaleShift,
} from "../spt/adapter.ts";
import type { ExportOrigin } from "./onnx.ts";

/** PEFT's name of the method; undefined where it has none. */
export type PeftMethod = "LN_TUNING" | "LORA" | undefined;

export interface PeftFolder {
  readonly method: PeftMethod;
  readonly files: Readonly<Record<string, Uint8Array>>;
}

/** Throws ModelError backbone_mismatch, invalid_adapter. */
export function exportPeft(
  backbone: Pick<Backbone, "id" | "digest" | "config" | "weights">,
  files: AdapterFiles,
  origin: ExportOrigin,
): PeftFolder {
  const adapter = parseAdapter(files);
  assertFits(adapter, backbone.config);
  const method = methodOf(adapter);
  const own = {
    "head.safetensors": serializeSafetensors(headTensors(adapter), { format: "pt" }),
    "softgate_config.json": json(softgateConfig(backbone, adapter, origin)),
  };
  if (method === undefined) {
    return {
      method,
      files: {
        "adapter_config.json": files.config,
        "adapter_model.safetensors": files.weights,
        ...own,
      },
    };
  }
  const norms = adapter.insertions.filter(isScaleShift);
  const updates = adapter.insertions.filter(isLowRank);
  const isLora = method === "LORA";
  const config = isLora ? loraConfig(backbone, { norms, updates }) : lnTuningConfig(backbone, norms);
  const ofNorms = normTensors(backbone, norms, isLora ? "" : ".ln_tuning_layers");
  const tensors = new Map([...ofNorms, ...updateTensors(backbone.config, updates)]);
  return {
    method,
    files: {
      "adapter_config.json": json(config),
      "adapter_model.safetensors": serializeSafetensors(tensors, { format: "pt" }),
      ...own,
    },
  };
}

function methodOf({ insertions }: Adapter): PeftMethod {
  if (insertions.length === 0 || insertions.some(isPromptGenerator)) return undefined;
  return insertions.some(isLowRank) ? "LORA" : "LN_TUNING";
}

function commonConfig(method: PeftMethod, backboneId: string): Record<string, unknown> {
  return {
    peft_type: method,
    task_type: "FEATURE_EXTRACTION",
    base_model_name_or_path: backboneId,
    inference_mode: true,
  };
}

function lnTuningConfig(
  { id, config }: Pick<Backbone, "id" | "config">,
  norms: readonly ScaleShift[],
): Record<string, unknown> {
  return {
    ...commonConfig("LN_TUNING", id),
    target_modules: normModules(config, norms),
  };
}

/** Each module by its own rank; a scaling of 1, as lora_alpha is the rank. */
function loraConfig(
  { id, config }: Pick<Backbone, "id" | "config">,
  { norms, updates }: { norms: readonly ScaleShift[]; updates: readonly LowRank[] },
): Record<string, unknown> {
  const modules = updates.flatMap(({ layer, rank }) =>
    PRODUCT_SITES.map((site) => [productModule(config, layer, site), rank] as const),
  );
  const ranks = Object.fromEntries(modules);
  const most = Math.max(...updates.map(({ rank }) => rank));
  return {
    ...commonConfig("LORA", id),
    ...{
      r: most,
      lora_alpha: most,
      rank_pattern: ranks,
      alpha_pattern: ranks,
      lora_dropout: 0,
      bias: "none",
    },
    target_modules: Object.keys(ranks),
    modules_to_save: norms.length === 0 ? null : normModules(config, norms),
  };
}

function updateTensors(config: EncoderConfig, updates: readonly LowRank[]): Map<string, TensorToWrite> {
  const tensors = new Map<string, TensorToWrite>();
  for (const update of updates) {
    const sizes = { rank: update.rank, width: config.width };
    for (const site of PRODUCT_SITES) {
      const module = `base_model.model.${productModule(config, update.layer, site)}`;
      for (const { name, shape, values } of loraMatrices(update[site], sizes))
        tensors.set(`${module}.${name}`, { dtype: "F32", shape, values });
    }
  }
  return tensors;
}

/** The norms whole, not what the adapter adds to the backbone's: so PEFT has them. F32, since sums are no halves. */
function normTensors(
  { config, weights }: Pick<Backbone, "config" | "weights">,
  norms: readonly ScaleShift[],
  below: "" | ".ln_tuning_layers",
): Map<string, TensorToWrite> {
  const tensors = new Map<string, TensorToWrite>();
  for (const norm of norms) {
    for (const site of NORM_SITES) {
      const layer = weights.layers[norm.layer];
      const own = site === "attention" ? layer?.attentionNorm : layer?.outputNorm;
      const add = (part: string, ofBackbone: Float32Array | undefined, more: Float32Array) =>
        tensors.set(`base_model.model.${moduleOf(config, norm.layer, site)}${below}.${part}`, {
          ...{ dtype: "F32", shape: [more.length] },
          values: more.map((value, d) => value + (ofBackbone?.[d] ?? 0)),
        });
      add("weight", own?.gamma_D, norm[site].scale_D);
      add("bias", own?.beta_D, norm[site].shift_D);
    }
  }
  return tensors;
}

function normModules(config: EncoderConfig, norms: readonly ScaleShift[]): string[] {
  return norms.flatMap(({ layer }) => NORM_SITES.map((site) => moduleOf(config, layer, site)));
}

function productModule({ family }: EncoderConfig, layer: number, site: ProductSite): string {
  const ofBert = { query: "self.query", value: "self.value" };
  const ofMpnet = { query: "attn.q", value: "attn.v" };
  return `encoder.layer.${layer}.attention.${(family === "mpnet" ? ofMpnet : ofBert)[site]}`;
}

/** As transformers names it below the encoder that AutoModel opens. */
function moduleOf({ family }: EncoderConfig, layer: number, site: NormSite): string {
  const ofAttention = family === "mpnet" ? "attention.LayerNorm" : "attention.output.LayerNorm";
  return `encoder.layer.${layer}.${site === "attention" ? ofAttention : "output.LayerNorm"}`;
}

function headTensors({ width, pairMode, labels, head }: Adapter): Map<string, TensorToWrite> {
  const shape = [labels.length, featureWidth(width, pairMode)];
  return new Map<string, TensorToWrite>([
    ["classifier.weight", { dtype: "F32", shape, values: head.weight_CD }],
    ["classifier.bias", { dtype: "F32", shape: [labels.length], values: head.bias_C }],
  ]);
}

function softgateConfig(
  { id, digest, config }: Pick<Backbone, "id" | "digest" | "config">,
  { labels, temperature, pairMode, template, outOfScope }: Adapter,
  origin: ExportOrigin,
): Record<string, unknown> {
  return {
    ...{
      adapter: `${origin.name}:${origin.version}`,
      adapter_digest: origin.digest,
      softgate: origin.softgate,
    },
    backbone: { id, digest },
    id2label: Object.fromEntries(labels.map((label, index) => [`${index}`, label])),
    ...{ pooling: config.pooling, pair_mode: pairMode, temperature },
    ...(template === undefined ? {} : { template }),
    ...(outOfScope ? { out_of_scope: outOfScope } : {}),
  };
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
}
