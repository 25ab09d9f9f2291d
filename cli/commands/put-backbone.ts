// softgate backbone put: a pulled backbone into an object store, for hosts that have no disk: the edge tier.
import { Command } from "commander";
import { openObjectStore, putBackbone } from "#registry";
import { DEFAULT_BACKBONE, loadBackbone, readBackboneFile } from "#registry/backbones";
import type { Io } from "../io.ts";
import { type StoreOptions, withStore } from "../options.ts";
import { json } from "../output.ts";
import { megabytes } from "../progress-line.ts";
import { findOrPull } from "../pull.ts";

export function putBackboneCommand(io: Io): Command {
  return withStore(new Command("put"), io)
    .description(
      "put a backbone into a store, as the edge tier reads it: int8, in parts; what is there is not sent again",
    )
    .argument("[id]", "id of a backbone, or its folder", DEFAULT_BACKBONE)
    .action(async (id: string, options: StoreOptions) => {
      const entry = await findOrPull(id, io, { silent: options.json === true });
      // Loaded late: most commands need no native code, and start faster without.
      const { writeEdgeBackbone } = await import("#model/runtime");
      const [backbone, config, tokenizer] = await Promise.all([
        loadBackbone(entry),
        readBackboneFile(entry, "config.json"),
        readBackboneFile(entry, "tokenizer.json"),
      ]);
      const source = await writeEdgeBackbone(backbone, { config, tokenizer });
      const store = await openObjectStore(options.store);
      try {
        const { bytes, bytesSent } = await putBackbone(store, source);
        const { digest, facts } = source;
        const result = { id: source.id, digest, int8Digest: facts.int8Digest, bytes, bytesSent };
        if (options.json) io.stdout(json(result));
        else {
          io.stdout(
            `${source.id}\n  ${store.description}\n  ${digest}, ${megabytes(bytes)}, ${megabytes(bytesSent)} sent\n`,
          );
        }
      } finally {
        await store.close();
      }
    });
}
