import { getBlob } from "./blobs.ts";
import type { RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import type { Manifest } from "./manifest.ts";
import type { TenantId } from "./registry.ts";

type Path = Manifest["files"][number]["path"];

/** Both files of a version, verified against its manifest. Throws blob_not_found, blob_corrupt, invalid_manifest. */
export async function readFiles(
  context: RegistryContext,
  tenant: TenantId,
  manifest: Manifest,
): Promise<{ config: Uint8Array; weights: Uint8Array }> {
  const [config, weights] = await Promise.all([
    getBlob(context, tenant, fileOf(manifest, "adapter_config.json")),
    getBlob(context, tenant, fileOf(manifest, "adapter_model.safetensors")),
  ]);
  return { config, weights };
}

function fileOf(manifest: Manifest, path: Path): Manifest["files"][number] {
  const [file, ...others] = manifest.files.filter((entry) => entry.path === path);
  if (file && others.length === 0) return file;
  throw new RegistryError(
    "invalid_manifest",
    `The manifest of ${manifest.name}:${manifest.version} must name ${path} once.`,
  );
}
