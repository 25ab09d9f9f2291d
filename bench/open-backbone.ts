// The backbone a measurement runs on: pulled when missing, or any folder as it is.
import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import type { Backbone } from "#model";
import { listBackbones, loadBackbone, pullBackbone } from "#registry/backbones";
import type { BenchIo } from "./io.ts";

export interface OpenedBackbone {
  readonly id: string;
  readonly folder: string;
  readonly backbone: Backbone;
}

/** Throws RegistryError (backbone_not_found, backbone_corrupt, download_failed) and ModelError. */
export async function openBackbone(idOrFolder: string, io: BenchIo): Promise<OpenedBackbone> {
  const { id, folder } = await findBackbone(idOrFolder, io);
  io.stderr(`Loading backbone ${id}\n`);
  return { id, folder, backbone: await loadBackbone({ id, folder }) };
}

async function findBackbone(idOrFolder: string, io: BenchIo): Promise<{ id: string; folder: string }> {
  const folder = resolve(idOrFolder);
  const pulled = (await listBackbones()).find((entry) => entry.id === idOrFolder || entry.folder === folder);
  if (pulled) return pulled;
  if (existsSync(join(folder, "config.json"))) return { id: basename(folder), folder };
  return pullBackbone(idOrFolder, { onProgress: createDownloadProgress(io) });
}

/** A line for each file and each quarter of it. */
function createDownloadProgress(io: BenchIo) {
  let shown = "";
  return ({ file, source, bytes, bytesTotal }: Record<"file" | "source", string> & ByteCount) => {
    const quarters = bytesTotal > 0 ? Math.floor((4 * bytes) / bytesTotal) : 0;
    const line = `Downloading ${file} from ${source}  ${quarters * 25} %\n`;
    if (line !== shown) io.stderr(line);
    shown = line;
  };
}

interface ByteCount {
  readonly bytes: number;
  readonly bytesTotal: number;
}
