// softgate init: from nothing to a store with a tenant and a key, and a commented file of variables for the shell,
// systemd or a container. Writes over nothing.
import { stat, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command } from "commander";
import { folderOfStore, KEY_SCOPES, parseTenantId } from "#registry";
import { CliError } from "../errors.ts";
import type { Io } from "../io.ts";
import { withRegistry } from "../open-registry.ts";
import { CLI_ACTOR, type TenantOptions, withTenant } from "../options.ts";
import { json } from "../output.ts";

const FILE_DEFAULT = "softgate.env";

interface InitOptions extends TenantOptions {
  readonly file: string;
}

export function initCommand(io: Io): Command {
  return withTenant(new Command("init"), io)
    .description("make a store, a tenant and a key, and a file with what commands need to know of them")
    .option(
      "--file <path>",
      "the file of variables; it holds the key, and you alone may read it",
      FILE_DEFAULT,
    )
    .action((options: InitOptions) => init(options, io));
}

async function init({ file, ...options }: InitOptions, io: Io): Promise<void> {
  const tenant = parseTenantId(options.tenant);
  await requireFree(file);
  const store = absolute(options.store);
  const { record, secret } = await withRegistry(store, async (registry, objects) => {
    await objects.check();
    await registry.createTenant(tenant, { description: "made by softgate init", actor: CLI_ACTOR });
    return registry.createKey(tenant, "made by softgate init", { scopes: KEY_SCOPES, actor: CLI_ACTOR });
  });
  await writeNew(file, variablesOf({ store, secret, keyId: record.id }));
  if (options.json) return io.stdout(json({ store, tenant, keyId: record.id, file }));
  io.stdout(`Store ${store}, tenant ${tenant}, key ${record.id}.\nAll of it is in ${file}: keep it out of git.
Next:
  set -a; . ./${file}; set +a
  softgate train --data FILE.csv --name NAME    or    softgate serve
`);
}

/** Said before anything is made. Throws CliError bad_usage. */
async function requireFree(file: string): Promise<void> {
  if (!(await stat(file).catch(() => undefined))) return;
  throw new CliError("bad_usage", `${file} is there already: name another with --file, or remove it.`);
}

/** A relative folder would be another one where the variables are read elsewhere. */
function absolute(store: string): string {
  const folder = folderOfStore(store);
  return folder === undefined ? store : `file:${resolve(folder)}`;
}

async function writeNew(file: string, text: string): Promise<void> {
  await writeFile(file, text, { mode: 0o600, flag: "wx" }).catch((cause: Error) => {
    throw new CliError("file_unreadable", `${file} cannot be written (${cause.message}).`, cause);
  });
}

function variablesOf({ store, secret, keyId }: { store: string; secret: string; keyId: string }): string {
  return `# Softgate: variables of the shell, of systemd (EnvironmentFile=) and of containers (--env-file).
# It holds a key: keep it out of git, and readable by its owner alone.

# Where datasets, adapters and hashes of keys are kept. Commands work on it, and softgate serve.
SOFTGATE_STORE=${quotedForShell(store)}

# Key ${keyId}, with every scope: for programs that ask the server. Make others with fewer: softgate keys create --scopes classify
SOFTGATE_KEY=${secret}

# Commands work over HTTP where this is set, and not on the store.
#SOFTGATE_SERVER=http://127.0.0.1:8080

# Where backbones are kept, and copies of adapters. Default: softgate in the user's folder for caches.
#SOFTGATE_CACHE=/var/cache/softgate

# Stack traces with errors.
#SOFTGATE_DEBUG=1
`;
}

/** As it is where the shell reads it so, as container runtimes do. */
function quotedForShell(value: string): string {
  return /^[\w./:=@+-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}
