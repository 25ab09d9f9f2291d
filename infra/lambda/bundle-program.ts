// The program of a Lambda function as JavaScript: its entry, and the threads that its sessions run in. A cold start
// then reads a few files, and strips no types.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { build, type Plugin } from "esbuild";

/** By the names that they get; Lambda finds the first by the handler index.handler. */
const ENTRIES = {
  index: "functions/entry-lambda.ts",
  "session-origin": "model/runtime/session-origin.ts",
  "session-thread": "model/runtime/session-thread.ts",
};
/** Files that name another by where it lies, and what they must say in the bundle. */
const MOVED: readonly { readonly file: RegExp; readonly from: RegExp; readonly to: string }[] = [
  {
    file: /model\/runtime\/(thread-session|session-origin)\.ts$/,
    from: /"\.\/(session-origin|session-thread)\.ts"/g,
    to: '"./$1.mjs"',
  },
  {
    file: /functions\/routes\/errors\/get\.ts$/,
    from: /"\.\.\/\.\.\/\.\.\/(docs\/errors\.md)"/,
    to: '"./$1"',
  },
];
/** Packages in CommonJS ask for Node's own modules by it. */
const REQUIRE =
  'import { createRequire as createBundleRequire } from "node:module"; const require = createBundleRequire(import.meta.url);';

export async function bundleProgram({ root, folder }: { root: string; folder: string }): Promise<void> {
  const entryPoints = Object.entries(ENTRIES).map(([out, path]) => ({ out, in: join(root, path) }));
  await build({
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
    // Of the rest: onnxruntime is copied beside, and no function has an embedded job database.
    external: ["onnxruntime-node", "@electric-sql/*"],
    plugins: [renameMoved],
    logLevel: "warning",
  });
}

const renameMoved: Plugin = {
  name: "rename-moved",
  setup({ onLoad }) {
    for (const { file, from, to } of MOVED) {
      onLoad({ filter: file }, async ({ path }) => ({
        contents: (await readFile(path, "utf8")).replace(from, to),
        loader: "ts",
      }));
    }
  },
};
