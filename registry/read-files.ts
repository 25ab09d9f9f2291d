// A version's two files: from this machine's disk where they are kept there, else from the store.
import { getBlob } from "./blobs.ts";
import type { RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import type { Manifest } from "./manifest.ts";
import type { TenantId } from "./registry.ts";

type FileEntry = Manifest["files"][number];

interface Files {
  readonly config: Uint8Array;
  readonly weights: Uint8Array;
}

/** Both files of a version, verified against its manifest. Throws blob_not_found, blob_corrupt, invalid_manifest. */
export function readFiles(context: RegistryContext, tenant: TenantId, manifest: Manifest): Promise<Files> {
  return readBoth(manifest, (file) => readFile(context, tenant, file));
}

/** As readFiles, past what is kept on this machine. */
export function readStoredFiles(
  context: RegistryContext,
  tenant: TenantId,
  manifest: Manifest,
): Promise<Files> {
  return readBoth(manifest, (file) => getBlob(context, tenant, file));
}

async function readBoth(manifest: Manifest, read: (file: FileEntry) => Promise<Uint8Array>): Promise<Files> {
  const [config, weights] = await Promise.all([
    read(fileOf(manifest, "adapter_config.json")),
    read(fileOf(manifest, "adapter_model.safetensors")),
  ]);
  return { config, weights };
}

async function readFile(context: RegistryContext, tenant: TenantId, file: FileEntry): Promise<Uint8Array> {
  const kept = await context.disk?.read(tenant, file);
  if (kept) return kept;
  const bytes = await getBlob(context, tenant, file);
  context.filesObserver.fileRead("store", bytes.byteLength);
  context.disk?.keep(tenant, file.digest, bytes);
  return bytes;
}

function fileOf(manifest: Manifest, path: FileEntry["path"]): FileEntry {
  const [file, ...others] = manifest.files.filter((entry) => entry.path === path);
  if (file && others.length === 0) return file;
  throw new RegistryError(
    "invalid_manifest",
    `The manifest of ${manifest.name}:${manifest.version} must name ${path} once.`,
  );
}
