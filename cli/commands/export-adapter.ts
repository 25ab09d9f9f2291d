// softgate adapters export: a version as files that work without Softgate, or that another store imports.
import { Command, Option } from "commander";
import { parsePublishedAdapter } from "#model";
import { type ExportOrigin, exportOnnx, exportPeft } from "#model/export";
import { parseAdapterReference, parseTenantId, type ResolvedAdapter } from "#registry";
import packageJson from "../../package.json" with { type: "json" };
import { modelCard } from "../export/model-card.ts";
import { requireNewFolder, writeFolder, writePieces } from "../export/write-output.ts";
import type { Io } from "../io.ts";
import { loadBackboneOf } from "../open-adapter.ts";
import { withRegistry } from "../open-registry.ts";
import { type TenantOptions, withTenant } from "../options.ts";
import { json } from "../output.ts";

const FORMATS = ["onnx", "peft", "softgate"] as const;
type Format = (typeof FORMATS)[number];

interface ExportOptions extends TenantOptions {
  readonly format: Format;
  readonly output: string;
  readonly backbone?: string;
}

export function exportCommand(io: Io): Command {
  return withTenant(new Command("export"), io)
    .description("write a version as files: ONNX with its backbone, a PEFT folder, or a package to import")
    .argument("<id>", "NAME, NAME@ALIAS or NAME:VERSION")
    .addOption(new Option("--format <format>", "of the files").choices(FORMATS).makeOptionMandatory())
    .requiredOption("--output <path>", "a file for onnx, else a new folder")
    .option("--backbone <id>", "id or folder, when it is not the one the adapter names")
    .addHelpText("after", HELP)
    .action((id: string, options: ExportOptions) => exportAdapter(id, options, io));
}

async function exportAdapter(id: string, options: ExportOptions, io: Io): Promise<void> {
  const { format, output } = options;
  if (format !== "onnx") await requireNewFolder(output);
  const { resolved, bytes } = await writers[format](id, options, io);
  const { name, version, digest } = resolved;
  const written = { adapterId: `${name}:${version}`, digest, format, output, bytes };
  io.stdout(
    options.json ? json(written) : `${written.adapterId} is in ${output} as ${format}, ${bytes} bytes.\n`,
  );
}

interface Written {
  readonly resolved: ResolvedAdapter;
  readonly bytes: number;
}

type Writer = (id: string, options: ExportOptions, io: Io) => Promise<Written>;

const writers = {
  onnx: async (id, options, io) => {
    const { resolved, files } = await readVersion(id, options);
    const backbone = await loadBackboneOf(resolved, options, io);
    const adapter = parsePublishedAdapter(files, resolved.manifest);
    const file = exportOnnx(backbone, adapter, { origin: originOf(resolved) });
    await writePieces(options.output, file.pieces);
    return { resolved, bytes: file.bytes };
  },
  peft: async (id, options, io) => {
    const { resolved, files } = await readVersion(id, options);
    const backbone = await loadBackboneOf(resolved, options, io);
    parsePublishedAdapter(files, resolved.manifest);
    const folder = exportPeft(backbone, files, originOf(resolved));
    const card = modelCard(resolved, { format: "peft", method: folder.method });
    return { resolved, bytes: await writeFolder(options.output, { ...folder.files, "README.md": card }) };
  },
  softgate: async (id, options) => {
    const { resolved, files } = await withRegistry(options.store, async (registry) => {
      const tenant = parseTenantId(options.tenant);
      const resolved = await registry.resolve(tenant, parseAdapterReference(id));
      const request = { resolved, softgateVersion: packageJson.version };
      return { resolved, files: await registry.readPackage(tenant, request) };
    });
    const card = modelCard(resolved, { format: "softgate" });
    return { resolved, bytes: await writeFolder(options.output, { ...files, "README.md": card }) };
  },
} satisfies Record<Format, Writer>;

function readVersion(id: string, options: ExportOptions) {
  return withRegistry(options.store, async (registry) => {
    const tenant = parseTenantId(options.tenant);
    const resolved = await registry.resolve(tenant, parseAdapterReference(id));
    return { resolved, files: await registry.readFiles(tenant, resolved.manifest) };
  });
}

function originOf({ name, version, digest }: ResolvedAdapter): ExportOrigin {
  return { name, version, digest, softgate: packageJson.version };
}

const HELP = `
Formats:
  onnx      one file: backbone and adapter. input_ids, attention_mask, token_type_ids in, logits and probabilities out
  peft      adapter_config.json and adapter_model.safetensors, with a README that says what PEFT can load of them
  softgate  the version's own files; softgate adapters import reads them into another store or tenant

Examples:
  $ softgate adapters export tickets --format onnx --output tickets.onnx
  $ softgate adapters export tickets:3 --format softgate --output tickets-3
`;
