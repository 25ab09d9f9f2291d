// A package as one zip archive, to be sent: put together without compression, taken apart by the list of names that a
// package may have. Nothing is ever unpacked to a disk.
import { unzipSync, zipSync } from "fflate";
import { isPackageFile, type PackageFiles, packageFileBytesMax, RegistryError } from "#registry";

/** The same files give the same bytes. Weights of 16 bits would not get smaller. */
export function zipPackage(files: PackageFiles): Uint8Array<ArrayBuffer> {
  return zipSync({ ...files }, { level: 0, mtime: "1980-01-01T00:00:00" });
}

/** Throws RegistryError invalid_package, before a member that is too large is unpacked. */
export function unzipPackage(archive: Uint8Array): PackageFiles {
  const members = unzip(archive);
  const take = (name: keyof PackageFiles) => {
    const bytes = members[name];
    if (!bytes) throw invalid(`${name} is missing`);
    return bytes;
  };
  return {
    "softgate.json": take("softgate.json"),
    "manifest.json": take("manifest.json"),
    "adapter_config.json": take("adapter_config.json"),
    "adapter_model.safetensors": take("adapter_model.safetensors"),
  };
}

function unzip(archive: Uint8Array): Readonly<Record<string, Uint8Array>> {
  const seen = new Set<string>();
  try {
    return unzipSync(archive, {
      filter: ({ name, originalSize, size }) => {
        if (!isPackageFile(name))
          throw invalid(`${JSON.stringify(name.slice(0, 80))} is no file of a package`);
        if (seen.has(name)) throw invalid(`${name} is there twice`);
        seen.add(name);
        const most = packageFileBytesMax[name];
        // A stored member is taken by the one size, a compressed one by the other.
        const bytes = Math.max(originalSize, size);
        if (bytes > most) throw invalid(`${name} has ${bytes} bytes, at most ${most} are allowed`);
        return name !== "README.md";
      },
    });
  } catch (error) {
    if (error instanceof RegistryError) throw error;
    throw invalid("it is no zip archive, or a damaged one", error);
  }
}

function invalid(problem: string, cause?: unknown): RegistryError {
  return new RegistryError("invalid_package", `This package cannot be imported: ${problem}.`, cause);
}
