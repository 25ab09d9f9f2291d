// A folder that was exported → the files of a package. Names are those of a list, files are plain ones and no
// larger than they may be; a link is never followed, since it may lead anywhere.
import { constants } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  isPackageFile,
  type PackageFile,
  type PackageFiles,
  packageFileBytesMax,
  RegistryError,
} from "#registry";
import { CliError } from "../errors.ts";

/** Throws CliError file_unreadable, RegistryError invalid_package. */
export async function readPackageFolder(folder: string): Promise<PackageFiles> {
  const names = await readdir(folder).catch((cause: Error) => {
    throw new CliError(
      "file_unreadable",
      `${folder} is no folder that can be read (${cause.message}).`,
      cause,
    );
  });
  const unknown = names.find((name) => !isPackageFile(name));
  if (unknown !== undefined) throw invalid(`${JSON.stringify(unknown.slice(0, 80))} is no file of a package`);
  return {
    "softgate.json": await read(folder, "softgate.json"),
    "manifest.json": await read(folder, "manifest.json"),
    "adapter_config.json": await read(folder, "adapter_config.json"),
    "adapter_model.safetensors": await read(folder, "adapter_model.safetensors"),
  };
}

async function read(folder: string, name: PackageFile): Promise<Uint8Array> {
  const most = packageFileBytesMax[name];
  // Without O_NONBLOCK a pipe of this name would hold the command up.
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  const file = await open(join(folder, name), flags).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") throw invalid(`${name} is missing`, cause);
    if (cause.code === "ELOOP" || cause.code === "EMLINK") throw invalid(`${name} is a link`, cause);
    throw new CliError("file_unreadable", `${name} of ${folder} cannot be read (${cause.message}).`, cause);
  });
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw invalid(`${name} is no plain file`);
    if (stats.size > most) throw invalid(`${name} has ${stats.size} bytes, at most ${most} are allowed`);
    return new Uint8Array(await file.readFile());
  } finally {
    await file.close();
  }
}

function invalid(problem: string, cause?: unknown): RegistryError {
  return new RegistryError("invalid_package", `This package cannot be imported: ${problem}.`, cause);
}
