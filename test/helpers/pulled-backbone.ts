// Real backbones for tests that compare with golden numbers; they are skipped where it was not pulled.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { BackboneFiles } from "#model";
import { backboneCacheFolder, DEFAULT_BACKBONE } from "#registry/backbones";

export interface PulledBackbone {
  readonly isThere: boolean;
  readonly folder: string;
  read(): BackboneFiles;
}

export const defaultBackbone = pulledBackbone(DEFAULT_BACKBONE);
export const mpnetBackbone = pulledBackbone("sentence-transformers/all-mpnet-base-v2");

function pulledBackbone(id: string): PulledBackbone {
  const folder = join(backboneCacheFolder(), id.replace("/", "--"));
  const file = (name: string) => join(folder, name);
  return {
    isThere: existsSync(file("backbone.json")),
    folder,
    read: () => ({
      config: readFileSync(file("config.json")),
      weights: readFileSync(file("model.safetensors")),
      tokenizer: readFileSync(file("tokenizer.json")),
    }),
  };
}
