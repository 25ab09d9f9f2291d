// softgate signing-key: makes a pair of keys. The private one is written to a file, and shown nowhere.
import { writeFile } from "node:fs/promises";
import { Command } from "commander";
import { createSigningKey } from "#registry";
import { CliError } from "../errors.ts";
import type { Io } from "../io.ts";
import { type JsonOption, withJson } from "../options.ts";
import { json } from "../output.ts";

export function signingKeyCommand(io: Io): Command {
  return new Command("signing-key")
    .description("make keys that sign versions")
    .addCommand(newCommand(io))
    .addHelpText("after", HELP);
}

function newCommand(io: Io): Command {
  return withJson(new Command("new"))
    .description("write a new private key to a file, and print its public key")
    .argument("<file>", "for the private key: must not be there yet; readable for you alone")
    .action(async (file: string, options: JsonOption) => {
      const { id, publicKey, publicPem, privatePem } = createSigningKey();
      // Never over another: a key that is lost cannot be made again.
      await writeFile(file, privatePem, { flag: "wx", mode: 0o600 }).catch((cause: Error) => {
        throw new CliError("file_unreadable", `${file} cannot be written (${cause.message}).`, cause);
      });
      if (options.json) return io.stdout(json({ id, publicKey, file }));
      io.stderr(`Key ${id}. Its private key is in ${file}: keep it where versions are published from.\n`);
      io.stdout(publicPem);
    });
}

const HELP = `
Examples:
  $ softgate signing-key new release.key > release.pub
  $ softgate tenants signing-keys add acme release.pub --name "release machine"
  $ softgate train --data tickets.csv --name tickets --tenant acme --sign release.key
  $ softgate tenants signing-keys require acme
`;
