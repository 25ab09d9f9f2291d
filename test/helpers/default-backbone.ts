// The real default backbone for tests that compare with golden numbers; they are skipped where it was not pulled.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { BackboneFiles } from "#model";
import { backboneCacheFolder, DEFAULT_BACKBONE } from "#registry/backbones";

const FOLDER = join(backboneCacheFolder(), DEFAULT_BACKBONE.replace("/", "--"));

export const hasDefaultBackbone = existsSync(join(FOLDER, "backbone.json"));

export function readDefaultBackbone(): BackboneFiles {
  return {
    config: readFileSync(join(FOLDER, "config.json")),
    weights: readFileSync(join(FOLDER, "model.safetensors")),
    tokenizer: readFileSync(join(FOLDER, "tokenizer.json")),
  };
}
