// The folder that a Lambda function runs: the program in a few files, onnxruntime for one processor, a prepared
// backbone. Only copies and bundles, so that a machine of one kind assembles for another; compiles nothing native.
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bundleProgram } from "../bundle/bundle-program.ts";
import { copyOnnxruntime } from "../bundle/copy-packages.ts";

export const ARCHITECTURES = ["arm64", "x64"] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** By the names that they get; Lambda finds the first by the handler index.handler. */
const ENTRIES = {
  index: "functions/entry-lambda.ts",
  "session-origin": "model/runtime/session-origin.ts",
  "session-thread": "model/runtime/session-thread.ts",
};
/** No function trains, or has an embedded job database. */
const LEFT_OUT = [
  "trainer/train-child.ts",
  "trainer/device/probe-child.ts",
  "trainer/jobs/embedded-process.ts",
];

/** What Lambda takes of a function's files, layers included. */
export const UNZIPPED_BYTES_MAX = 250 * 1024 * 1024;

export interface AssembleOptions {
  readonly architecture: Architecture;
  /** Replaced. */
  readonly folder: string;
  /** Of the repository, with its node_modules. */
  readonly root: string;
  /** As `softgate backbone pull --prepare --precision int8` leaves it. */
  readonly backboneFolder: string;
  /** The folder in it that was prepared: serving-int8-… */
  readonly preparedFolder: string;
}

export interface Assembled {
  /** Paths in the folder, sorted. */
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  readonly bytes: number;
}

/** Throws an Error when the function would be larger than Lambda takes. */
export async function assembleFunction(options: AssembleOptions): Promise<Assembled> {
  const { folder, root, architecture } = options;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "package.json"), '{ "type": "module" }\n');
  await bundleProgram({ root, folder, entries: ENTRIES, leftOut: LEFT_OUT });
  await copyOnnxruntime({ root, folder }, { platform: "linux", architecture });
  await copyBackbone(options);
  return measure(folder);
}

/**
 * What a server starts with; not the weights that it was made of. The prepared graph has no layout of one processor in
 * it: onnxruntime leaves it as it is between the levels "extended" and "all".
 */
async function copyBackbone(options: AssembleOptions): Promise<void> {
  const { folder, backboneFolder, preparedFolder, architecture } = options;
  const { id } = JSON.parse(await readFile(join(backboneFolder, "backbone.json"), "utf8"));
  const target = join(folder, "backbones", String(id).replaceAll("/", "--"));
  for (const file of ["backbone.json", "config.json", "tokenizer.json"]) {
    await cp(join(backboneFolder, file), join(target, file));
  }
  await cp(preparedFolder, join(target, `serving-int8-linux-${architecture}`), { recursive: true });
}

async function measure(folder: string): Promise<Assembled> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  const files = await Promise.all(
    paths.map(async (path) => ({ path: path.slice(folder.length + 1), bytes: (await stat(path)).size })),
  );
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  if (bytes > UNZIPPED_BYTES_MAX) {
    throw new Error(`The function is ${bytes} bytes; Lambda takes ${UNZIPPED_BYTES_MAX}.`);
  }
  return { files: files.sort((one, other) => (one.path < other.path ? -1 : 1)), bytes };
}
