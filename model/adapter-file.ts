// adapter ↔ bytes: adapter_model.safetensors and adapter_config.json, PEFT's file names.
// The configuration implies each tensor's name and shape; a file with one more or one less is refused.
// Linear weights lie as torch keeps them, [out, in]; in memory they are [in, out].
import { type AdapterConfig, type InsertionConfig, parseAdapterConfig } from "./adapter-config.ts";
import { ModelError } from "./errors.ts";
import { loraMatrices } from "./lora-matrices.ts";
import { featureWidth } from "./pair-features.ts";
import { parseSafetensors, type Tensor } from "./safetensors/parse.ts";
import { toFloat32 } from "./safetensors/read-tensor.ts";
import { serializeSafetensors, type TensorToWrite } from "./safetensors/serialize.ts";
import { transpose } from "./safetensors/transpose.ts";
import {
  type Adapter,
  type Insertion,
  NORM_SITES,
  type NormSite,
  PRODUCT_SITES,
  type ProductSite,
  type PromptGenerator,
  shapeOfInsertion,
} from "./spt/adapter.ts";

export interface AdapterFiles {
  /** adapter_config.json, UTF-8 JSON. */
  readonly config: Uint8Array;
  /** adapter_model.safetensors. */
  readonly weights: Uint8Array;
}

/** Of the weights. A usual adapter has 50-500 KB; this is for the widest backbones with many prompt layers. */
export const ADAPTER_BYTES_MAX = 32 * 1024 * 1024;
const ADAPTER_CONFIG_BYTES_MAX = 1024 * 1024;

/**
 * Weights are rounded to F16. The same adapter gives the same bytes.
 * Throws ModelError invalid_adapter for what parseAdapter would refuse.
 */
export function serializeAdapter(adapter: Adapter, backbone: { id: string; digest: string }): AdapterFiles {
  const { width, labels, temperature, outOfScope, pairMode, template, insertions } = adapter;
  const config: AdapterConfig = {
    peft_type: "SPT",
    task_type: "SEQ_CLS",
    base_model_name_or_path: backbone.id,
    softgate: {
      format: 1,
      backbone_digest: backbone.digest,
      width,
      labels: [...labels],
      temperature,
      ...(outOfScope ? { outOfScope } : {}),
      pairMode,
      ...(template === undefined ? {} : { template }),
      insertions: insertions.map(shapeOfInsertion),
    },
  };
  const files = {
    config: new TextEncoder().encode(`${JSON.stringify(config, null, 2)}\n`),
    weights: asInvalidAdapter(() => serializeSafetensors(tensorsOf(adapter), { format: "pt" })),
  };
  // What was written must be readable, whoever made the adapter.
  parseAdapter(files);
  return files;
}

/** Throws ModelError invalid_adapter; says what is wrong and in which tensor or field. */
export function parseAdapter(files: AdapterFiles): Adapter {
  requireSize("adapter_config.json", files.config, ADAPTER_CONFIG_BYTES_MAX);
  requireSize("adapter_model.safetensors", files.weights, ADAPTER_BYTES_MAX);
  const { softgate } = parseAdapterConfig(files.config);
  const { width, labels, temperature, outOfScope, pairMode, template, insertions } = softgate;
  const { tensors } = asInvalidAdapter(() => parseSafetensors(files.weights));
  const reader = new TensorReader(tensors);
  const parsed = {
    width,
    insertions: insertions.map((insertion) => readInsertion(reader, insertion, width)),
    head: {
      weight_CD: reader.read(`${HEAD}.weight`, [labels.length, featureWidth(width, pairMode)]),
      bias_C: reader.read(`${HEAD}.bias`, [labels.length]),
    },
    labels,
    temperature,
    ...(outOfScope ? { outOfScope } : {}),
    pairMode,
    ...(template === undefined ? {} : { template }),
  };
  reader.requireAllRead();
  return parsed;
}

const HEAD = "base_model.model.classifier";

function generatorName(layer: number): string {
  return `base_model.model.encoder.layer.${layer}.prompt_generator`;
}

/** The norm's name in BERT; the tensors are differences to the backbone's own. */
function normName(layer: number, site: NormSite): string {
  const path = site === "attention" ? "attention.output" : "output";
  return `base_model.model.encoder.layer.${layer}.${path}.LayerNorm.delta`;
}

/** As PEFT names the two matrices of a LoRA of BERT's; the tensors hold no further factor: lora_alpha is the rank. */
function productName(layer: number, site: ProductSite): string {
  return `base_model.model.encoder.layer.${layer}.attention.self.${site}`;
}

function tensorsOf({ width, labels, pairMode, insertions, head }: Adapter): Map<string, TensorToWrite> {
  const tensors = new Map<string, TensorToWrite>();
  const add = (name: string, shape: readonly number[], values: Float32Array) =>
    tensors.set(name, { dtype: "F16", shape, values });
  for (const insertion of insertions) {
    if (insertion.kind === "scale_shift") {
      for (const site of NORM_SITES) {
        const name = normName(insertion.layer, site);
        add(`${name}.weight`, [width], insertion[site].scale_D);
        add(`${name}.bias`, [width], insertion[site].shift_D);
      }
      continue;
    }
    if (insertion.kind === "low_rank") {
      const { rank, layer } = insertion;
      for (const site of PRODUCT_SITES) {
        for (const { name, shape, values } of loraMatrices(insertion[site], { rank, width }))
          add(`${productName(layer, site)}.${name}`, shape, values);
      }
      continue;
    }
    const { promptTokens, bottleneck, down_DM, up_ME, bias_PD } = insertion;
    const upWidth = upWidthOf(insertion, width);
    const name = generatorName(insertion.layer);
    add(`${name}.down.weight`, [bottleneck, width], transpose(down_DM, width, bottleneck));
    add(`${name}.up.weight`, [upWidth, bottleneck], transpose(up_ME, bottleneck, upWidth));
    add(`${name}.bias`, [promptTokens, width], bias_PD);
  }
  add(`${HEAD}.weight`, [labels.length, featureWidth(width, pairMode)], head.weight_CD);
  add(`${HEAD}.bias`, [labels.length], head.bias_C);
  return tensors;
}

function readInsertion(reader: TensorReader, config: InsertionConfig, width: number): Insertion {
  if (config.kind === "scale_shift") {
    const read = (site: NormSite) => ({
      scale_D: reader.read(`${normName(config.layer, site)}.weight`, [width]),
      shift_D: reader.read(`${normName(config.layer, site)}.bias`, [width]),
    });
    return { ...config, attention: read("attention"), output: read("output") };
  }
  if (config.kind === "low_rank") {
    const { layer, rank } = config;
    const read = (site: ProductSite) => {
      const name = productName(layer, site);
      const down = reader.read(`${name}.lora_A.weight`, [rank, width]);
      const up = reader.read(`${name}.lora_B.weight`, [width, rank]);
      return { down_DK: transpose(down, rank, width), up_KD: transpose(up, width, rank) };
    };
    return { ...config, query: read("query"), value: read("value") };
  }
  const { promptTokens, bottleneck, layer } = config;
  const upWidth = upWidthOf(config, width);
  const name = generatorName(layer);
  const down = reader.read(`${name}.down.weight`, [bottleneck, width]);
  const up = reader.read(`${name}.up.weight`, [upWidth, bottleneck]);
  return {
    ...config,
    down_DM: transpose(down, bottleneck, width),
    up_ME: transpose(up, upWidth, bottleneck),
    bias_PD: reader.read(`${name}.bias`, [promptTokens, width]),
  };
}

/** E: "mean" makes all prompt tokens from one mean, "slots" one from each of P means. */
function upWidthOf(generator: Pick<PromptGenerator, "pooling" | "promptTokens">, width: number): number {
  return generator.pooling === "mean" ? generator.promptTokens * width : width;
}

/** Hands out each tensor once, and tells which were never asked for. */
class TensorReader {
  readonly #left: Map<string, Tensor>;

  constructor(tensors: ReadonlyMap<string, Tensor>) {
    this.#left = new Map(tensors);
  }

  read(name: string, shape: readonly number[]): Float32Array {
    const tensor = this.#left.get(name);
    if (!tensor) throw invalid(`the tensor ${name} is missing`);
    this.#left.delete(name);
    if (tensor.shape.length !== shape.length || tensor.shape.some((size, i) => size !== shape[i])) {
      throw invalid(`the tensor ${name} is [${tensor.shape}]; adapter_config.json asks for [${shape}]`);
    }
    if (tensor.dtype !== "F16" && tensor.dtype !== "F32") {
      throw invalid(`the tensor ${name} is ${tensor.dtype}; F16 or F32 is needed`);
    }
    // A copy where F32 would be a view: an adapter must not keep a whole file in memory.
    return asInvalidAdapter(() => toFloat32(name, tensor).slice());
  }

  requireAllRead(): void {
    const [name] = this.#left.keys();
    if (name !== undefined) throw invalid(`the tensor ${name} is not one that adapter_config.json asks for`);
  }
}

function requireSize(file: string, bytes: Uint8Array, bytesMax: number): void {
  if (bytes.length > bytesMax)
    throw invalid(`${file} has ${bytes.length} bytes, at most ${bytesMax} are allowed`);
}

/** To who gave an adapter, broken safetensors are a broken adapter. */
function asInvalidAdapter<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    throw new ModelError("invalid_adapter", `Invalid adapter: ${error.publicMessage}`, error);
  }
}

function invalid(problem: string): ModelError {
  return new ModelError("invalid_adapter", `Invalid adapter: ${problem}.`);
}
