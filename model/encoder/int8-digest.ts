// What names the int8 encoder of a backbone: a later way of rounding is another encoder, for which an adapter was not
// checked.
import { createHash } from "node:crypto";
import { quantizeColumns } from "./linear.ts";
import type { EncoderWeights } from "./weights.ts";

const LINEARS = ["query", "key", "value", "attentionOutput", "feedForwardIn", "feedForwardOut"] as const;

/** "sha256:" + hex over the rounded weights and their scales, layer by layer. The same on every machine. */
export function int8Digest({ layers }: Pick<EncoderWeights, "layers">): string {
  const hash = createHash("sha256");
  for (const layer of layers) {
    for (const name of LINEARS) {
      const { weight, scales_N } = quantizeColumns(layer[name]);
      hash.update(weight).update(new Uint8Array(scales_N.buffer, scales_N.byteOffset, scales_N.byteLength));
    }
  }
  return `sha256:${hash.digest("hex")}`;
}
