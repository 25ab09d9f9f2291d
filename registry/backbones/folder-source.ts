// Files from a folder of this machine, as a Hugging Face checkout has them. They are copied.
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { BACKBONE_FILES } from "./catalog.ts";
import type { BackboneSource } from "./source.ts";

export function createFolderSource(folder: string): BackboneSource {
  return {
    name: `folder ${folder}`,
    fetch: async ({ staging, signal }) => {
      for (const file of BACKBONE_FILES) {
        signal?.throwIfAborted();
        await copyFile(join(folder, file), join(staging, file));
      }
      return `folder ${folder}`;
    },
  };
}
