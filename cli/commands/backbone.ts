// softgate backbone: the frozen weights on this machine.
import { Command } from "commander";
import type { PrecisionChoice } from "#model";
import { type BackboneEntry, DEFAULT_BACKBONE, listBackbones } from "#registry/backbones";
import type { Io } from "../io.ts";
import { type JsonOption, precisionOption, withJson } from "../options.ts";
import { json, table } from "../output.ts";
import { megabytes } from "../progress-line.ts";
import { pull } from "../pull.ts";
import { putBackboneCommand } from "./put-backbone.ts";

interface PullOptions extends JsonOption {
  readonly quiet?: true;
  readonly prepare?: true;
  readonly precision: PrecisionChoice;
}

async function prepare(entry: BackboneEntry, precision: PrecisionChoice): Promise<string | undefined> {
  const { prepareBackbone } = await import("#functions");
  return prepareBackbone(entry, precision);
}

export function backboneCommand(io: Io): Command {
  const pullOne = withJson(new Command("pull"))
    .description("download a backbone, verified by sha256; does nothing when it is there")
    .argument(
      "[id]",
      "softgate/bert-base-uncased, a Hugging Face id OWNER/NAME[@REVISION], or a folder",
      DEFAULT_BACKBONE,
    )
    .option("--quiet", "print nothing but a download's progress")
    .option("--prepare", "also write what a server's first start would, for images and read-only folders")
    .addOption(precisionOption())
    .action(async (id: string, options: PullOptions) => {
      const entry = await pull(id, io, { silent: options.json === true });
      const prepared = options.prepare && (await prepare(entry, options.precision));
      if (options.json) io.stdout(json({ ...entry, ...(prepared && { prepared }) }));
      else if (!options.quiet) {
        io.stdout(`${entry.id}\n  ${entry.folder}\n  ${entry.digest}, ${megabytes(entry.bytes)}\n`);
      }
    });
  const list = withJson(new Command("list"))
    .description("the backbones on this machine")
    .action(async (options: JsonOption) => {
      const backbones = await listBackbones();
      if (options.json) io.stdout(json({ backbones }));
      else if (backbones.length === 0) io.stdout("No backbone yet. Next: softgate backbone pull\n");
      else {
        const rows = backbones.map(({ id, bytes, source, folder }) => [id, megabytes(bytes), source, folder]);
        io.stdout(table([["ID", "SIZE", "SOURCE", "FOLDER"], ...rows]));
      }
    });
  return new Command("backbone")
    .description("pull and list frozen backbones, and put them into a store")
    .addCommand(pullOne)
    .addCommand(putBackboneCommand(io))
    .addCommand(list);
}
