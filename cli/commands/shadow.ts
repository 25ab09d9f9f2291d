// softgate shadow: which alias a server asks beside production, for which share of requests, and how often both agree.
import { Command, InvalidArgumentError } from "commander";
import { z } from "zod";
import { parseAdapterName } from "#registry";
import { CliError } from "../errors.ts";
import type { Io } from "../io.ts";
import { withJson } from "../options.ts";
import { json, percent } from "../output.ts";
import { requireServer, type ServerOptions } from "../remote/require-server.ts";
import { withServer } from "../remote/server.ts";

interface ShadowOptions extends ServerOptions {
  readonly alias?: string;
  readonly share?: number;
  readonly off?: true;
  readonly why?: string;
}

const answerSchema = z.looseObject({
  shadow: z.looseObject({ alias: z.string(), share: z.number() }).nullable(),
  counts: z
    .looseObject({
      ...{ production: z.int(), shadow: z.int(), since: z.string() },
      ...{ texts: z.int(), agreed: z.int(), skipped: z.int(), failed: z.int() },
    })
    .nullish(),
});

export function shadowCommand(io: Io): Command {
  return withServer(withJson(new Command("shadow")))
    .description("how an alias compares with production on what is asked; with --alias and --share, begin it")
    .argument("<name>", "of the adapter")
    .option("--alias <alias>", "that is asked beside production")
    .option("--share <share>", "of requests, above 0 to 1", share)
    .option("--off", "ask production alone")
    .option("--why <reason>", "for the history")
    .action(async (name: string, options: ShadowOptions) => {
      const path = `/v1/adapters/${parseAdapterName(name)}/shadow`;
      const client = requireServer(options, io);
      const change = changeOf(options);
      const answer = answerSchema.parse(await (change ? client.send("PUT", path, change) : client.get(path)));
      io.stdout(options.json ? json(answer) : describe(name, answer));
    });
}

/** Undefined where it is only to be shown. Throws CliError bad_usage. */
function changeOf({ alias, share, off, why }: ShadowOptions): object | undefined {
  const reason = why === undefined ? {} : { why };
  if (off && (alias ?? share) !== undefined)
    throw new CliError("bad_usage", "--off goes without --alias and --share.");
  // The alias of a shadow that ends is not looked at.
  if (off) return { alias: "candidate", share: 0, ...reason };
  if (alias === undefined && share === undefined) return undefined;
  if (alias === undefined || share === undefined)
    throw new CliError("bad_usage", "Give both --alias and --share.");
  return { alias, share, ...reason };
}

function describe(name: string, { shadow, counts }: z.infer<typeof answerSchema>): string {
  if (!shadow) return `${name}: production is asked alone.\n`;
  const asked = `${name}@${shadow.alias} is asked beside production for ${percent(shadow.share)} of requests.\n`;
  if (!counts) return asked;
  const { production, shadow: version, texts, agreed, skipped, failed, since } = counts;
  const share = texts === 0 ? "" : ` (${percent(agreed / texts)})`;
  return `${asked}Versions ${production} and ${version} agree on ${agreed} of ${texts} texts${share} since ${since}; skipped ${skipped}, failed ${failed}.\n`;
}

function share(value: string): number {
  const number = Number(value);
  if (value.trim() !== "" && number > 0 && number <= 1) return number;
  throw new InvalidArgumentError("Give a number above 0, at most 1, for example 0.1.");
}
