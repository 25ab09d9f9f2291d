// A pulled backbone's files, as child processes read them: nothing that large is sent between processes.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type BackboneFiles, ModelError } from "#model";

/** Throws ModelError invalid_backbone for a file that cannot be read. */
export async function readBackboneFolder(folder: string): Promise<BackboneFiles> {
  const read = async (name: string) => {
    try {
      return await readFile(join(folder, name));
    } catch (error) {
      throw new ModelError(
        "invalid_backbone",
        `The backbone's ${name} cannot be read. Pull it again.`,
        error,
      );
    }
  };
  const [config, weights, tokenizer] = await Promise.all([
    read("config.json"),
    read("model.safetensors"),
    read("tokenizer.json"),
  ]);
  return { config, weights, tokenizer };
}
