// A backbone on this machine, with its download shown.
import { type BackboneEntry, pullBackbone } from "#registry/backbones";
import type { Io } from "./io.ts";
import { bar, createProgressLine, megabytes } from "./progress-line.ts";

/** Downloads nothing when it is there already. */
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
