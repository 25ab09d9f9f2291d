// softgate profiles: servers and keys by name, so that commands work on them without either on the command line.
import { Command } from "commander";
import { CliError, RemoteError } from "../errors.ts";
import type { Io } from "../io.ts";
import { type JsonOption, withJson } from "../options.ts";
import { json, table } from "../output.ts";
import { createClient } from "../remote/client.ts";
import { PROFILES_MAX, profilesFile, readProfiles, writeProfiles } from "../remote/profiles.ts";
import { parseServerUrl, type Server } from "../remote/server.ts";

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

export function profilesCommand(io: Io): Command {
  return new Command("profiles")
    .description("servers and their keys by name, for --profile; kept in a file that you alone may read")
    .addCommand(addCommand(io))
    .addCommand(listCommand(io))
    .addCommand(useCommand(io))
    .addCommand(removeCommand(io));
}

interface AddOptions extends JsonOption {
  readonly server: string;
  readonly key?: string;
  readonly check: boolean;
}

function addCommand(io: Io): Command {
  return withJson(new Command("add"))
    .description("add a profile, or change one; its key is read from SOFTGATE_KEY or standard input")
    .argument("<name>", "for example production")
    .requiredOption("--server <url>", "for example https://softgate.example.com")
    .option("--key <key>", "its key; others on this machine may see it in the list of processes")
    .option("--no-check", "do not ask the server whether it takes the key")
    .action(async (name: string, options: AddOptions) => {
      if (!NAME.test(name)) throw new CliError("bad_usage", "A profile's name has a-z, 0-9, - _ . alone.");
      const server = parseServerUrl(options.server);
      const key = options.key ?? io.env.SOFTGATE_KEY ?? (await readKey(io));
      if (options.check) await requireTaken({ url: server, key }, io);
      const { profiles, ...rest } = await readProfiles(io);
      if (!Object.hasOwn(profiles, name) && Object.keys(profiles).length >= PROFILES_MAX) {
        throw new CliError("bad_usage", `There are ${PROFILES_MAX} profiles, the most: remove one.`);
      }
      await writeProfiles(io, { ...rest, profiles: { ...profiles, [name]: { server, key } } });
      if (options.json) return io.stdout(json({ name, server }));
      io.stdout(`Profile ${name} is kept in ${profilesFile(io)}. Next: softgate profiles use ${name}\n`);
    });
}

function listCommand(io: Io): Command {
  return withJson(new Command("list"))
    .description("profiles, without their keys")
    .action(async ({ json: asJson }: JsonOption) => {
      const { current, profiles } = await readProfiles(io);
      const listed = Object.entries(profiles).map(([name, { server }]) => ({
        ...{ name, server, inUse: name === current },
      }));
      if (asJson) return io.stdout(json({ profiles: listed }));
      if (listed.length === 0)
        return io.stdout("No profiles yet. Next: softgate profiles add NAME --server URL\n");
      const rows = listed.map(({ name, server, inUse }) => [name, server, inUse ? "in use" : ""]);
      io.stdout(table([["NAME", "SERVER", ""], ...rows]));
    });
}

function useCommand(io: Io): Command {
  return withJson(new Command("use"))
    .description("use a profile where none is named; without a name, none: commands work on a store again")
    .argument("[name]", "of the profile")
    .action(async (name: string | undefined, { json: asJson }: JsonOption) => {
      const { profiles } = await readProfiles(io);
      if (name !== undefined) requireProfile(profiles, name);
      await writeProfiles(io, { profiles, ...(name !== undefined && { current: name }) });
      if (asJson) return io.stdout(json({ current: name ?? null }));
      io.stdout(name === undefined ? "No profile is in use.\n" : `Profile ${name} is in use.\n`);
    });
}

function removeCommand(io: Io): Command {
  return withJson(new Command("rm"))
    .description("forget a profile; its key stays valid until it is revoked")
    .argument("<name>", "of the profile")
    .action(async (name: string, { json: asJson }: JsonOption) => {
      const { current, profiles } = await readProfiles(io);
      requireProfile(profiles, name);
      const { [name]: _, ...rest } = profiles;
      await writeProfiles(io, { profiles: rest, ...(current && current !== name && { current }) });
      io.stdout(asJson ? json({ name }) : `Profile ${name} is forgotten.\n`);
    });
}

/** One that may not read usage is taken all the same. Throws RemoteError unauthenticated, CliError server_unreachable. */
async function requireTaken(server: Server, io: Io): Promise<void> {
  try {
    await createClient(server, io.signal).get("/v1/usage");
  } catch (error) {
    if (!(error instanceof RemoteError && error.status === 403)) throw error;
  }
}

/** The first line that is piped in. */
async function readKey(io: Io): Promise<string> {
  if (!io.isStdinTerminal) for await (const line of io.stdinLines()) return line.trim();
  throw new CliError(
    "bad_usage",
    "Give the key in SOFTGATE_KEY, or pipe it in: … profiles add NAME < key.txt",
  );
}

function requireProfile(profiles: object, name: string): void {
  if (Object.hasOwn(profiles, name)) return;
  throw new CliError("profile_not_found", `There is no profile ${name}. See softgate profiles list.`);
}
