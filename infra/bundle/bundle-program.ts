// A program of this repository as JavaScript in a few files: a start then reads these, where it would read hundreds and
// strip their types. What is made runs from its folder alone, beside the packages of copy-packages.ts.
import { readFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { build, type Metafile, type OnLoadResult, type Plugin } from "esbuild";
import { PACKAGES_BESIDE } from "./copy-packages.ts";

export interface BundleOptions {
  /** Of the repository, with its node_modules. */
  readonly root: string;
  readonly folder: string;
  /** Paths in the repository, by the names that they get: "index" becomes index.mjs. */
  readonly entries: Readonly<Record<string, string>>;
  /** Paths of entries that the program names, and never starts. */
  readonly leftOut?: readonly string[];
}

/** Packages in CommonJS ask for Node's own modules by it. */
const REQUIRE =
  'import { createRequire as createBundleRequire } from "node:module"; const require = createBundleRequire(import.meta.url);';

/**
 * What was bundled of what. Rejects where a file names another by where it lies that is neither an entry nor left out:
 * it would not be found.
 */
export async function bundleProgram({
  root,
  folder,
  entries,
  leftOut = [],
}: BundleOptions): Promise<Metafile> {
  const entryPoints = Object.entries(entries).map(([out, path]) => ({ out, in: join(root, path) }));
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints,
    outdir: folder,
    bundle: true,
    splitting: true,
    platform: "node",
    target: "node24",
    format: "esm",
    outExtension: { ".js": ".mjs" },
    chunkNames: "chunk-[hash]",
    banner: { js: REQUIRE },
    external: PACKAGES_BESIDE.flatMap((name) => [name, `${name}/*`]),
    plugins: [renameEntries({ root, entries, leftOut })],
    metafile: true,
    logLevel: "warning",
  });
  return metafile;
}

const NAMED_BY_PLACE = /(?<=new URL\(")(\.[^"]+)(?=", import\.meta\.url\))/g;
const PLACE = /import\.meta\b/g;

/** Threads and processes are started by where their files lie; in the bundle all lie side by side. */
function renameEntries({ root, entries, leftOut }: Required<Omit<BundleOptions, "folder">>): Plugin {
  const pathOf = (file: string) => relative(root, file).split(sep).join("/");
  const nameOf = new Map(Object.entries(entries).map(([name, path]) => [path, `./${name}.mjs`]));
  const onLoad = async ({ path: file }: { path: string }): Promise<OnLoadResult> => {
    const text = await readFile(file, "utf8");
    const named = [...text.matchAll(NAMED_BY_PLACE)].map(([place]) => pathOf(join(dirname(file), place)));
    const missing = named.filter((path) => !nameOf.has(path) && !leftOut.includes(path));
    const errors = missing.map((path) => ({
      text: `${pathOf(file)} names ${path}, which is not in the bundle.`,
    }));
    if (named.length !== (text.match(PLACE)?.length ?? 0)) {
      errors.push({
        text: `${pathOf(file)} asks where it lies in other words than new URL("…", import.meta.url).`,
      });
    }
    const rename = (place: string) => nameOf.get(pathOf(join(dirname(file), place))) ?? place;
    return { contents: text.replace(NAMED_BY_PLACE, rename), loader: "ts", errors };
  };
  return { name: "rename-entries", setup: (plugin) => plugin.onLoad({ filter: /\.ts$/ }, onLoad) };
}
