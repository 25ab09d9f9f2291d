// A low-rank update of one product as PEFT keeps a LoRA: two matrices in torch's order, [out, in].
import { transpose } from "./safetensors/transpose.ts";
import type { LowRankProduct } from "./spt/adapter.ts";

export interface LoraMatrix {
  readonly name: "lora_A.weight" | "lora_B.weight";
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export function loraMatrices(
  { down_DK, up_KD }: LowRankProduct,
  { rank, width }: { rank: number; width: number },
): readonly LoraMatrix[] {
  return [
    { name: "lora_A.weight", shape: [rank, width], values: transpose(down_DK, width, rank) },
    { name: "lora_B.weight", shape: [width, rank], values: transpose(up_KD, rank, width) },
  ];
}
