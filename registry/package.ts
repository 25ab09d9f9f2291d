// A version as files that stand for themselves, outside any store: what is exported here and imported elsewhere.
// The manifest is in it byte by byte, so the digest of the version is the sha256 of one of its files.
//
//   softgate.json               where it comes from: tenant, name, version, digest of manifest.json
//   manifest.json               the version's manifest, as it was stored
//   adapter_config.json         the version's files, as the manifest names them by digest
//   adapter_model.safetensors
//   README.md                   for people; never read
import { z } from "zod";
import type { RegistryContext } from "./context.ts";
import { digestOf } from "./digest.ts";
import { RegistryError } from "./errors.ts";
import { manifestKey } from "./layout.ts";
import { ADAPTER_FILE_BYTES_MAX, MANIFEST_BYTES_MAX, PACKAGE_RECORD_BYTES_MAX } from "./limits.ts";
import { decodeManifest, type Manifest, originSchema } from "./manifest.ts";
import { readFiles } from "./read-files.ts";
import { encodeRecord } from "./records.ts";
import type { AdapterName, Registry, ResolvedAdapter, TenantId } from "./registry.ts";
import type { Signer } from "./signing/signing-key.ts";

const PACKAGE_MEDIA_TYPE = "application/vnd.softgate.package.v1+json";

/** Every file that a package may have, and the most bytes of each. A name that is not here is refused. */
export const packageFileBytesMax = {
  "softgate.json": PACKAGE_RECORD_BYTES_MAX,
  "manifest.json": MANIFEST_BYTES_MAX,
  "adapter_config.json": MANIFEST_BYTES_MAX,
  "adapter_model.safetensors": ADAPTER_FILE_BYTES_MAX,
  "README.md": MANIFEST_BYTES_MAX,
} as const;

export type PackageFile = keyof typeof packageFileBytesMax;

/** All but README.md, which is the exporter's to write. */
export type PackageFiles = Readonly<Record<Exclude<PackageFile, "README.md">, Uint8Array>>;

const recordSchema = z.strictObject({
  mediaType: z.literal(PACKAGE_MEDIA_TYPE),
  softgate: z.string().max(100),
  ...originSchema.shape,
});

export function isPackageFile(name: string): name is PackageFile {
  return Object.hasOwn(packageFileBytesMax, name);
}

/** Throws version_not_found, blob_not_found, blob_corrupt, invalid_manifest. */
export async function readPackage(
  context: RegistryContext,
  tenant: TenantId,
  { resolved, softgateVersion }: { resolved: ResolvedAdapter; softgateVersion: string },
): Promise<PackageFiles> {
  const { name, version, digest, manifest } = resolved;
  const { config, weights } = await readFiles(context, tenant, manifest);
  const stored = await context.store.get(manifestKey({ tenant, name }, version));
  if (!stored) throw new RegistryError("version_not_found", `${name}:${version} was removed meanwhile.`);
  const record = { mediaType: PACKAGE_MEDIA_TYPE, softgate: softgateVersion, tenant, name, version, digest };
  return {
    "softgate.json": new TextEncoder().encode(`${JSON.stringify(record, null, 2)}\n`),
    "manifest.json": stored.bytes,
    "adapter_config.json": config,
    "adapter_model.safetensors": weights,
  };
}

/**
 * The next version of a name, out of a package. Its report, data set and maker are those of the version that it
 * was, which becomes its origin. A signature said of that one whose it was, so it is not this one's: the signer's is,
 * where there is one. With an idempotency key, the same package makes one version however often it is sent; another
 * package makes another. Throws invalid_package for files that do not fit each other or are no adapter, and what
 * publish throws.
 */
export async function publishPackage(
  registry: Pick<Registry, "publish">,
  tenant: TenantId,
  request: {
    readonly name: AdapterName;
    readonly alias?: string;
    readonly files: PackageFiles;
    readonly signer?: Signer;
    /** Of the tenant. */
    readonly idempotencyKey?: string;
  },
): Promise<ResolvedAdapter> {
  const { files, idempotencyKey, ...place } = request;
  const { manifest, origin } = unpackPackage(files);
  const { mediaType, name, version, createdAt, files: _, origin: _parent, signature, ...kept } = manifest;
  const content = { config: files["adapter_config.json"], weights: files["adapter_model.safetensors"] };
  const once = idempotencyKey !== undefined && { idempotencyKey: importKey(idempotencyKey, origin) };
  const publication = { ...place, ...once, files: content, manifest: { ...kept, origin } };
  try {
    return await registry.publish(tenant, publication);
  } catch (error) {
    throw asInvalidPackage(error);
  }
}

/** None that a job has, nor that of another package: what is sent with a key that was used is never taken for it. */
function importKey(idempotencyKey: string, { digest }: { digest: string }): string {
  return `import ${digestOf(encodeRecord([idempotencyKey, digest]))}`;
}

/** The manifest that the package is of, digests compared. Throws invalid_package. */
export function unpackPackage(files: PackageFiles): {
  manifest: Manifest;
  origin: NonNullable<Manifest["origin"]>;
} {
  for (const [name, { byteLength }] of Object.entries(files)) {
    const most = isPackageFile(name) ? packageFileBytesMax[name] : 0;
    if (byteLength > most) throw invalid(`${name} has ${byteLength} bytes, at most ${most} are allowed`);
  }
  const { mediaType, softgate, ...origin } = parseRecord(files["softgate.json"]);
  const manifestBytes = files["manifest.json"];
  if (digestOf(manifestBytes) !== origin.digest) {
    throw invalid("manifest.json is not the one whose digest softgate.json names");
  }
  const { manifest } = decode(manifestBytes, origin);
  for (const path of ["adapter_config.json", "adapter_model.safetensors"] as const) {
    const [named, ...others] = manifest.files.filter((entry) => entry.path === path);
    if (!named || others.length > 0) throw invalid(`manifest.json must name ${path} once`);
    if (named.digest !== digestOf(files[path]) || named.bytes !== files[path].byteLength) {
      throw invalid(`${path} is not the one whose digest manifest.json names`);
    }
  }
  return { manifest, origin };
}

function parseRecord(bytes: Uint8Array): z.infer<typeof recordSchema> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw invalid("softgate.json is not JSON in UTF-8");
  }
  const parsed = recordSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalid(`softgate.json: ${issue?.path.join(".") || "it"}: ${issue?.message ?? "unreadable"}`);
}

function decode(bytes: Uint8Array, expected: { name: string; version: number }): { manifest: Manifest } {
  try {
    return decodeManifest(bytes, expected);
  } catch (error) {
    if (error instanceof RegistryError) throw invalid(error.publicMessage.replace(/\.$/, ""), error);
    throw error;
  }
}

/** What the check that was passed in says of an adapter is, of an import, the fault of who gave it. */
function asInvalidPackage(error: unknown): unknown {
  if (!(error instanceof Error && "code" in error && "publicMessage" in error)) return error;
  if (error.code !== "invalid_adapter" && error.code !== "invalid_manifest") return error;
  return invalid(String(error.publicMessage).replace(/\.$/, ""), error);
}

function invalid(problem: string, cause?: unknown): RegistryError {
  return new RegistryError("invalid_package", `This package cannot be imported: ${problem}.`, cause);
}
