// A backbone on this machine, with its download shown.
import { resolve } from "node:path";
import { type BackboneEntry, listBackbones, pullBackbone } from "#registry/backbones";
import type { Io } from "./io.ts";
import { bar, createProgressLine, megabytes } from "./progress-line.ts";

/** One that was pulled, by its id or its folder; else it is pulled now. Its bytes are verified when it is loaded. */
export async function findOrPull(
  idOrPath: string,
  io: Io,
  options: { silent?: boolean } = {},
): Promise<BackboneEntry> {
  const folder = resolve(idOrPath);
  const pulled = (await listBackbones()).find((entry) => entry.id === idOrPath || entry.folder === folder);
  return pulled ?? pull(idOrPath, io, options);
}

/** Verifies what is there, and downloads what is missing or damaged. */
export async function pull(idOrPath: string, io: Io, { silent = false } = {}): Promise<BackboneEntry> {
  const line = createProgressLine(io, { silent });
  try {
    return await pullBackbone(idOrPath, {
      signal: io.signal,
      onProgress: ({ file, source, bytes, bytesTotal }) =>
        line.show(
          `Downloading ${file} from ${source}`,
          `${bar(bytesTotal > 0 ? bytes / bytesTotal : 0)}  ${megabytes(bytes)} of ${megabytes(bytesTotal)}`,
        ),
    });
  } finally {
    line.clear();
  }
}
