// The template of texts that are measured without a training's: none, unless the backbone needs one.
import { DEFAULT_TEMPLATES, type EncoderConfig } from "#model";

export function templateOf(
  { pooling }: Pick<EncoderConfig, "pooling">,
  kind: keyof typeof DEFAULT_TEMPLATES = "single",
): string | undefined {
  return pooling === "mask" ? DEFAULT_TEMPLATES[kind] : undefined;
}
