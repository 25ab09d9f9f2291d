// Which backbone a server holds: one that was pulled, by its id, or any folder.
import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { RegistryError } from "#registry";
import { listBackbones } from "#registry/backbones";

/** Downloads nothing. Throws RegistryError backbone_not_found with the command that pulls it. */
export async function findBackbone(idOrFolder: string): Promise<{ id: string; folder: string }> {
  const folder = resolve(idOrFolder);
  const pulled = (await listBackbones()).find((entry) => entry.id === idOrFolder || entry.folder === folder);
  if (pulled) return pulled;
  if (existsSync(join(folder, "config.json"))) return { id: basename(folder), folder };
  throw new RegistryError(
    "backbone_not_found",
    `Backbone ${idOrFolder} is not on this machine. Pull it once: softgate backbone pull ${idOrFolder}`,
  );
}
