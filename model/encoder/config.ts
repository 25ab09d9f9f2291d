// The part of a backbone's config.json that the encoder needs, for the BERT, RoBERTa and MPNet families.
import { z } from "zod";
import { ModelError } from "../errors.ts";
import { RELATIVE_BUCKETS } from "./relative-buckets.ts";

export interface EncoderConfig {
  readonly family: "bert" | "roberta" | "mpnet";
  /** D, N, H, F, V. */
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly feedForward: number;
  readonly vocabulary: number;
  /** Largest number of tokens of one text, specials included. */
  readonly positions: number;
  /** Position id of a text's first token: 0 (BERT), padding id + 1 (RoBERTa), 2 (MPNet). */
  readonly positionOffset: number;
  /** Rows of the token type table, 1 or 2; 0 where there is none (MPNet). */
  readonly tokenTypes: number;
  /** Rows of the table of relative attention bias (MPNet); 0 where there is none. */
  readonly relativeBuckets: number;
  readonly normEpsilon: number;
  readonly activation: "gelu" | "gelu_tanh" | "relu";
  /**
   * How a text's token states become one vector: their mean, the first, or the state at the template's mask
   * and what the masked-language-model head makes of it (see parseBackbone).
   */
  readonly pooling: "mean" | "first" | "mask";
}

/** Parsed strictly with zod from config.json's bytes. Throws ModelError unsupported_backbone / invalid_backbone. */
export function parseEncoderConfig(bytes: Uint8Array): EncoderConfig {
  const json = parseJsonObject(bytes);
  const family = FAMILY_BY_MODEL_TYPE.get(String(json.model_type));
  if (!family) unsupported(`model_type ${JSON.stringify(json.model_type)}`, [...FAMILY_BY_MODEL_TYPE.keys()]);
  const parsed = configSchema.safeParse(json);
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error), parsed.error);
  const config = parsed.data;
  const activation = ACTIVATION_BY_NAME.get(config.hidden_act);
  if (!activation) unsupported(`hidden_act "${config.hidden_act}"`, [...ACTIVATION_BY_NAME.keys()]);
  if (config.position_embedding_type !== "absolute") {
    unsupported(`position_embedding_type "${config.position_embedding_type}"`, ["absolute"]);
  }
  if (config.is_decoder) unsupported("is_decoder true", ["encoders"]);
  if (config.hidden_size % config.num_attention_heads !== 0) {
    throw invalid(
      `hidden_size ${config.hidden_size} is not divisible by ${config.num_attention_heads} heads`,
    );
  }
  const relativeBuckets = family === "mpnet" ? config.relative_attention_num_buckets : 0;
  if (relativeBuckets !== 0 && relativeBuckets !== RELATIVE_BUCKETS) {
    unsupported(`relative_attention_num_buckets ${relativeBuckets}`, [`${RELATIVE_BUCKETS}`]);
  }
  const positionOffset = positionOffsetOf(family, config.pad_token_id);
  const positions = config.max_position_embeddings - positionOffset;
  if (positions < 8) throw invalid(`max_position_embeddings leaves ${positions} positions, 8 are needed`);
  return {
    family,
    width: config.hidden_size,
    layers: config.num_hidden_layers,
    heads: config.num_attention_heads,
    feedForward: config.intermediate_size,
    vocabulary: config.vocab_size,
    positions,
    positionOffset,
    tokenTypes: family === "mpnet" ? 0 : config.type_vocab_size,
    relativeBuckets,
    normEpsilon: config.layer_norm_eps,
    activation,
    pooling: "mean",
  };
}

/** transformers has MPNet's padding id fixed at 1, whatever config.json says. */
function positionOffsetOf(family: EncoderConfig["family"], paddingId: number): number {
  return { bert: 0, roberta: paddingId + 1, mpnet: 2 }[family];
}

const FAMILY_BY_MODEL_TYPE: ReadonlyMap<string, EncoderConfig["family"]> = new Map([
  ["bert", "bert"],
  ["roberta", "roberta"],
  ["xlm-roberta", "roberta"],
  ["camembert", "roberta"],
  ["mpnet", "mpnet"],
]);

/** Hugging Face's names; the tanh forms differ in spelling only. */
const ACTIVATION_BY_NAME: ReadonlyMap<string, EncoderConfig["activation"]> = new Map([
  ["gelu", "gelu"],
  ["gelu_new", "gelu_tanh"],
  ["gelu_pytorch_tanh", "gelu_tanh"],
  ["gelu_fast", "gelu_tanh"],
  ["relu", "relu"],
]);

/** Other keys of config.json concern training or other libraries and are ignored. The bounds are sanity limits. */
const configSchema = z.object({
  hidden_size: z.int().min(1).max(8_192),
  num_hidden_layers: z.int().min(1).max(128),
  num_attention_heads: z.int().min(1).max(256),
  intermediate_size: z.int().min(1).max(65_536),
  vocab_size: z.int().min(1).max(4_000_000),
  max_position_embeddings: z.int().min(1).max(65_536),
  type_vocab_size: z.int().min(1).max(2).default(2),
  layer_norm_eps: z.number().positive().max(1).default(1e-12),
  hidden_act: z.string().default("gelu"),
  position_embedding_type: z.string().default("absolute"),
  relative_attention_num_buckets: z.int().min(1).max(1_024).default(RELATIVE_BUCKETS),
  pad_token_id: z.int().min(0).max(1_000).default(1),
  is_decoder: z.boolean().default(false),
});

function parseJsonObject(bytes: Uint8Array): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return z.record(z.string(), z.unknown()).parse(json);
  } catch (error) {
    throw invalid("it is not a JSON object", error);
  }
}

function unsupported(found: string, supported: readonly string[]): never {
  throw new ModelError(
    "unsupported_backbone",
    `The backbone's config.json has ${found}; supported: ${supported.join(", ")}.`,
  );
}

function invalid(problem: string, cause?: unknown): ModelError {
  return new ModelError("invalid_backbone", `The backbone's config.json is invalid: ${problem}.`, cause);
}
