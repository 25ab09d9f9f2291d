// A backbone as a server starts with it: the serving graph optimized and on disk, its weights in a file that is mapped
// into memory, and of the rest only what serving needs. Written once on a machine; a start then reads no weights.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Backbone, parseTokenizer } from "../backbone.ts";
import { type EncoderConfig, parseEncoderConfig } from "../encoder/config.ts";
import type { Precision } from "../encoder/linear.ts";
import type { LayerWeights, Norm } from "../encoder/weights.ts";
import { must } from "../graph/ops.ts";
import { parseSafetensors } from "../safetensors/parse.ts";
import { toFloat32 } from "../safetensors/read-tensor.ts";
import { serializeSafetensors } from "../safetensors/serialize.ts";
import { GRAPH_FILE, WEIGHTS_FILE } from "./prepared-as.ts";
import { servingGraph } from "./serving-graph.ts";
import { ThreadSession } from "./thread-session.ts";

export const PREPARED_FILES = [GRAPH_FILE, WEIGHTS_FILE, "norms.safetensors"] as const;
export type PreparedFile = (typeof PREPARED_FILES)[number];

/** Norms that adapters change: of the rest of the weights the session alone knows. */
export type LayerNormWeights = Pick<LayerWeights, "attentionNorm" | "outputNorm">;

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
  const tensors = weights.layers.flatMap((layer, index) =>
    NORMS.flatMap((norm) =>
      PARTS.map((part) => {
        const tensor = { dtype: "F32" as const, shape: [config.width], values: layer[norm][part] };
        return [tensorName(index, norm, part), tensor] as const;
      }),
    ),
  );
  const norms = serializeSafetensors(new Map(tensors));
  await writeFile(join(folder, "norms.safetensors" satisfies PreparedFile), norms);
}

const NORMS = ["attentionNorm", "outputNorm"] as const satisfies readonly (keyof LayerNormWeights)[];
const PARTS = ["gamma_D", "beta_D"] as const satisfies readonly (keyof Norm)[];

function tensorName(layer: number, norm: string, part: string): string {
  return `layer.${layer}.${norm}.${part}`;
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
  const { tensors } = parseSafetensors(files.norms);
  const read = (name: string) => toFloat32(name, must(tensors.get(name), name));
  const norm = (layer: number, of: (typeof NORMS)[number]): Norm => ({
    gamma_D: read(tensorName(layer, of, "gamma_D")),
    beta_D: read(tensorName(layer, of, "beta_D")),
  });
  const layers = Array.from({ length: config.layers }, (_, layer) => ({
    attentionNorm: norm(layer, "attentionNorm"),
    outputNorm: norm(layer, "outputNorm"),
  }));
  return { ...rest, config, tokenizer: parseTokenizer(files.tokenizer, config), weights: { layers } };
}
