// Where pulled backbones lie on this machine:
//
//   <cache>/backbones/<owner>--<name>/           complete and verified; appears by one rename
//       config.json  tokenizer.json  model.safetensors
//       backbone.json                            id, digest, source, size and sha256 of each file
//   <cache>/backbones/<owner>--<name>.partial/   a pull that goes on, or can be resumed
//   <cache>/backbones/<owner>--<name>.lock       held by the process that pulls
//   <cache>/backbones/<owner>--<name>/serving-…/ what a server made of it, see prepared.ts
import { join } from "node:path";
import { cacheFolder } from "../cache-folder.ts";

/** "backbones/" below cacheFolder(). */
export function backboneCacheFolder(): string {
  return join(cacheFolder(), "backbones");
}

/** Ids hold letters, digits, '.', '_', '-' and one '/' or '@' each, so two ids never share a folder. */
export function folderOfBackbone(id: string): string {
  return join(backboneCacheFolder(), id.replaceAll("/", "--"));
}
