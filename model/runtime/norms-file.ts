// The norms of a backbone as a file of their own: what adapters change of it, and all of the weights that a classifier
// reads beside its sessions.
import type { LayerWeights, Norm } from "../encoder/weights.ts";
import { must } from "../graph/ops.ts";
import { parseSafetensors } from "../safetensors/parse.ts";
import { toFloat32 } from "../safetensors/read-tensor.ts";
import { serializeSafetensors } from "../safetensors/serialize.ts";

export const NORMS_FILE = "norms.safetensors";

/** Norms that adapters change: of the rest of the weights the session alone knows. */
export type LayerNormWeights = Pick<LayerWeights, "attentionNorm" | "outputNorm">;

const NORMS = ["attentionNorm", "outputNorm"] as const satisfies readonly (keyof LayerNormWeights)[];
const PARTS = ["gamma_D", "beta_D"] as const satisfies readonly (keyof Norm)[];

export function serializeNorms(layers: readonly LayerNormWeights[], width: number): Uint8Array {
  const tensors = layers.flatMap((layer, index) =>
    NORMS.flatMap((norm) =>
      PARTS.map((part) => {
        const tensor = { dtype: "F32" as const, shape: [width], values: layer[norm][part] };
        return [tensorName(index, norm, part), tensor] as const;
      }),
    ),
  );
  return serializeSafetensors(new Map(tensors));
}

/** Throws ModelError invalid_safetensors. */
export function parseNorms(file: Uint8Array, layerCount: number): LayerNormWeights[] {
  const { tensors } = parseSafetensors(file);
  const read = (name: string) => toFloat32(name, must(tensors.get(name), name));
  const norm = (layer: number, of: (typeof NORMS)[number]): Norm => ({
    gamma_D: read(tensorName(layer, of, "gamma_D")),
    beta_D: read(tensorName(layer, of, "beta_D")),
  });
  return Array.from({ length: layerCount }, (_, layer) => ({
    attentionNorm: norm(layer, "attentionNorm"),
    outputNorm: norm(layer, "outputNorm"),
  }));
}

function tensorName(layer: number, norm: string, part: string): string {
  return `layer.${layer}.${norm}.${part}`;
}
