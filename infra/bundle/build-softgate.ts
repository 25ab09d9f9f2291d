// The command softgate as a folder that needs nothing but Node: what images run, and servers that start often. It is made
// by hand, never on the way to a start: what runs is then what was built, and no start has to find out whether it is old.
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bundleProgram } from "./bundle-program.ts";
import { copyOnnxruntime, copyPglite } from "./copy-packages.ts";

/** By the names that they get. */
const ENTRIES = {
  softgate: "cli/main.ts",
  "session-origin": "model/runtime/session-origin.ts",
  "session-thread": "model/runtime/session-thread.ts",
  "train-child": "trainer/train-child.ts",
  "probe-child": "trainer/device/probe-child.ts",
  "embedded-process": "trainer/jobs/embedded-process.ts",
};
const MAIN = "softgate.mjs";
/** By which a folder is known to have been built. */
const MANIFEST = '{ "name": "softgate-built", "private": true, "type": "module" }\n';

export interface BuildOptions {
  /** Of the repository, with its node_modules. */
  readonly root: string;
  /** Replaced at the end, whole. Nothing may run from it: programs load parts of themselves late. */
  readonly folder: string;
}

export interface Built {
  /** Path of what Node is to run. */
  readonly main: string;
  /** Names in the folder of those that are loaded late. */
  readonly lateParts: readonly string[];
}

/** For machines of this kind. Throws an Error where the folder holds anything else. */
export async function buildSoftgate({ root, folder }: BuildOptions): Promise<Built> {
  await requireReplaceable(folder);
  const staging = `${folder}.${process.pid}.partial`;
  await rm(staging, { recursive: true, force: true });
  try {
    await mkdir(staging, { recursive: true });
    await writeFile(join(staging, "package.json"), MANIFEST);
    const { outputs } = await bundleProgram({ root, folder: staging, entries: ENTRIES });
    const { platform, arch: architecture } = process;
    await copyOnnxruntime({ root, folder: staging }, { platform, architecture });
    await copyPglite({ root, folder: staging });
    await rm(folder, { recursive: true, force: true });
    await rename(staging, folder);
    const lateParts = Object.values(outputs)
      .flatMap(({ imports }) => imports)
      .filter(({ kind, external }) => kind === "dynamic-import" && !external)
      .map(({ path }) => path.slice(path.lastIndexOf("/") + 1));
    return { main: join(folder, MAIN), lateParts: [...new Set(lateParts)].sort() };
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function requireReplaceable(folder: string): Promise<void> {
  if (!existsSync(folder) || (await readdir(folder)).length === 0) return;
  const manifest = await readFile(join(folder, "package.json"), "utf8").catch(() => undefined);
  if (manifest === MANIFEST) return;
  throw new Error(`${folder} holds something else. Name a folder that is empty, or not there.`);
}
