// A backbone as a server starts with it: the serving graph optimized and on disk, its weights in a file that is mapped
// into memory, and of the rest only what serving needs. Written once on a machine; a start then reads no weights.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Backbone, parseTokenizer } from "../backbone.ts";
import { type EncoderConfig, parseEncoderConfig } from "../encoder/config.ts";
import type { Precision } from "../encoder/linear.ts";
import { type LayerNormWeights, NORMS_FILE, parseNorms, serializeNorms } from "./norms-file.ts";
import { GRAPH_FILE, WEIGHTS_FILE } from "./prepared-as.ts";
import { servingGraph } from "./serving-graph.ts";
import { ThreadSession } from "./thread-session.ts";

export const PREPARED_FILES = [GRAPH_FILE, WEIGHTS_FILE, NORMS_FILE] as const;

/** What createClassifier takes in place of a Backbone. */
export interface PreparedBackbone extends Omit<Backbone, "weights"> {
  readonly precision: Precision;
  /** A path. */
  readonly graphFile: string;
  readonly weights: { readonly layers: readonly LayerNormWeights[] };
}

/** Writes the three files into the folder. Takes seconds. */
export async function writePrepared(
  { config, weights }: Backbone,
  { precision, folder }: { precision: Precision; folder: string },
): Promise<void> {
  await ThreadSession.optimize(servingGraph({ config, weights, precision }), {
    path: join(folder, GRAPH_FILE),
    weightsName: WEIGHTS_FILE,
  });
  await writeFile(join(folder, NORMS_FILE), serializeNorms(weights.layers, config.width));
}

export interface PreparedSource {
  readonly id: string;
  readonly digest: string;
  readonly pooling: EncoderConfig["pooling"];
  readonly precision: Precision;
  readonly graphFile: string;
  /** config.json and tokenizer.json of the backbone, and norms.safetensors. */
  readonly files: Record<"config" | "tokenizer" | "norms", Uint8Array>;
}

/** Throws ModelError invalid_backbone, unsupported_backbone, invalid_safetensors. */
export function parsePrepared({ files, pooling, ...rest }: PreparedSource): PreparedBackbone {
  const config = { ...parseEncoderConfig(files.config), pooling };
  const layers = parseNorms(files.norms, config.layers);
  return { ...rest, config, tokenizer: parseTokenizer(files.tokenizer, config), weights: { layers } };
}
