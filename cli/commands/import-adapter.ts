// softgate adapters import: a folder that export wrote becomes the next version of a name, of whatever tenant.
import { Command } from "commander";
import { assertFits, ModelError, parsePublishedAdapter } from "#model";
import { type PackageFiles, parseAdapterName, parseTenantId, publishPackage, unpackPackage } from "#registry";
import { readPackageFolder } from "../export/read-package-folder.ts";
import type { Io } from "../io.ts";
import { loadBackboneOf } from "../open-adapter.ts";
import { withRegistry } from "../open-registry.ts";
import { type TenantOptions, withTenant } from "../options.ts";
import { json } from "../output.ts";
import { readSigner } from "../signing-key-file.ts";

interface ImportOptions extends TenantOptions {
  readonly name: string;
  readonly alias?: string;
  readonly backbone?: string;
  readonly sign?: string;
  readonly idempotencyKey?: string;
}

export function importCommand(io: Io): Command {
  return withTenant(new Command("import"), io)
    .description("publish a folder that export --format softgate wrote as the next version of a name")
    .argument("<folder>", "that export wrote")
    .requiredOption("--name <name>", "of the adapter here")
    .option("--alias <alias>", "moved to the new version (default: production)")
    .option("--backbone <id>", "id or folder, when it is not the one the adapter names")
    .option("--sign <keyfile>", "sign the version with this private key, see softgate signing-key")
    .option("--idempotency-key <key>", "import a package once with this key, however often it is tried")
    .addHelpText("after", HELP)
    .action((folder: string, options: ImportOptions) => importAdapter(folder, options, io));
}

async function importAdapter(folder: string, options: ImportOptions, io: Io): Promise<void> {
  const [tenant, name] = [parseTenantId(options.tenant), parseAdapterName(options.name)];
  const signer = await readSigner(options.sign);
  const files = await readPackageFolder(folder);
  const { origin } = await requireBackbone(files, options, io);
  const { alias, idempotencyKey } = options;
  const given = {
    ...(alias !== undefined && { alias }),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    ...(signer && { signer }),
  };
  const { version, digest } = await withRegistry(options.store, async (registry, store) => {
    await store.check();
    return publishPackage(registry, tenant, { name, ...given, files });
  });
  const from = `${origin.name}:${origin.version} of tenant ${origin.tenant}`;
  io.stdout(
    options.json
      ? json({ adapterId: `${name}:${version}`, digest, origin })
      : `${name}:${version} is what ${from} was (${origin.digest}).\n`,
  );
}

/** The adapter fits the backbone that it names, which is on this machine or pulled. */
async function requireBackbone(files: PackageFiles, options: ImportOptions, io: Io) {
  const { manifest, origin } = unpackPackage(files);
  const content = { config: files["adapter_config.json"], weights: files["adapter_model.safetensors"] };
  const backbone = await loadBackboneOf({ ...origin, manifest }, options, io);
  try {
    assertFits(parsePublishedAdapter(content, manifest), backbone.config);
  } catch (error) {
    // publishPackage says the same of damaged files, as what they are here: a package that is none.
    if (!(error instanceof ModelError && error.code === "invalid_adapter")) throw error;
  }
  return { origin };
}

const HELP = `
Digests, tensors, limits and the backbone are checked before anything is written. The version keeps the report and the
data set's digest of the one it was, and names that one as its origin. A signature of that one is not its own: --sign.
Importing a package again makes another version; a script that tries again after a failure names an idempotency key,
and makes one.

Example:
  $ softgate adapters import tickets-3 --name tickets --tenant other
`;
