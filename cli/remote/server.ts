// Where a command works: on a store, or over HTTP on a server, as flags, variables and profiles say.
import type { Command } from "commander";
import { CliError } from "../errors.ts";
import type { Io } from "../io.ts";
import { readProfiles } from "./profiles.ts";

export interface Server {
  /** Without a slash at its end. */
  readonly url: string;
  readonly key: string;
}

interface ServerFlags {
  readonly server?: string;
  readonly key?: string;
  readonly profile?: string;
}

/** Of commands that work over HTTP too. */
export function withServer(command: Command): Command {
  return command
    .option("--server <url>", "work on this server, over HTTP, not on a store (SOFTGATE_SERVER)")
    .option("--key <key>", "of that server; better in SOFTGATE_KEY or a profile, which others cannot see")
    .option("--profile <name>", "work on the server of this profile (SOFTGATE_PROFILE)");
}

/**
 * Before a command's action: sets its option `remote` where it is to work over HTTP. What is named on the command line
 * goes before variables, and these before the profile in use. Throws CliError bad_usage, profile_not_found.
 */
export async function choosePlace(command: Command, io: Io): Promise<void> {
  const has = (name: string) => command.options.some(({ long }) => long === name);
  const isGiven = (name: string) => command.getOptionValueSource(name) === "cli";
  if (!has("--profile")) {
    if (has("--store") && !isGiven("store")) await requireNoProfile(command, io);
    return;
  }
  const server = await findServer(command.opts(), io, { isStoreGiven: isGiven("store") });
  if (!server) return;
  if (isGiven("tenant")) {
    throw new CliError("bad_usage", "A server's key says which tenant is meant: leave --tenant out.");
  }
  command.setOptionValue("remote", server);
}

async function findServer(
  flags: ServerFlags,
  io: Io,
  { isStoreGiven }: { isStoreGiven: boolean },
): Promise<Server | undefined> {
  if (isStoreGiven && (flags.server ?? flags.profile) !== undefined) {
    throw new CliError("bad_usage", "Give --store, or --server or --profile, not both.");
  }
  if (isStoreGiven) return undefined;
  const url = flags.server ?? (flags.profile === undefined ? io.env.SOFTGATE_SERVER : undefined);
  const key = flags.key ?? io.env.SOFTGATE_KEY;
  if (url) return serverOf(url, key, io);
  const named = flags.profile ?? (io.env.SOFTGATE_PROFILE || undefined);
  if (named === undefined && io.env.SOFTGATE_STORE) return undefined;
  const { current, profiles } = await readProfiles(io);
  const name = named ?? current;
  if (name === undefined) return undefined;
  const profile = profiles[name];
  if (profile) return serverOf(profile.server, flags.key ?? profile.key, io);
  throw new CliError("profile_not_found", `There is no profile ${name}. See softgate profiles list.`);
}

function serverOf(given: string, key: string | undefined, io: Io): Server {
  const url = parseServerUrl(given);
  if (!key) throw new CliError("bad_usage", `Give the key of ${url}: in SOFTGATE_KEY, or a profile.`);
  if (isOpenLine(url)) io.stderr(`warning: ${url} is not https: who listens on the way can read the key.\n`);
  return { url, key };
}

/** Throws CliError bad_usage. */
export function parseServerUrl(given: string): string {
  const url = URL.parse(given);
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.search || url.hash) {
    throw new CliError(
      "bad_usage",
      "A server is named by its URL, for example https://softgate.example.com.",
    );
  }
  return url.href.replace(/\/+$/, "");
}

function isOpenLine(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === "http:" && !["localhost", "127.0.0.1", "[::1]"].includes(hostname);
}

/** A command that works on a store alone must not seem to work on the server that others work on. */
async function requireNoProfile(command: Command, io: Io): Promise<void> {
  if (io.env.SOFTGATE_STORE) return;
  const name = io.env.SOFTGATE_PROFILE || (await readProfiles(io)).current;
  if (!io.env.SOFTGATE_SERVER && name === undefined) return;
  const what = io.env.SOFTGATE_SERVER ? "SOFTGATE_SERVER is set" : `the profile ${name} is in use`;
  throw new CliError(
    "bad_usage",
    `softgate ${command.name()} works on a store, not over HTTP, and ${what}: name the store with --store.`,
  );
}
