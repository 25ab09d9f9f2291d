// Packages that a bundle cannot hold, as their files lie beside them: they are copied into its folder, for one platform.
import { cp } from "node:fs/promises";
import { join } from "node:path";

/** Left out of every bundle. */
export const PACKAGES_BESIDE = ["onnxruntime-node", "onnxruntime-common", "@electric-sql/pglite"] as const;

export interface CopyOptions {
  /** Of the repository, with its node_modules. */
  readonly root: string;
  readonly folder: string;
}

/** Its binding asks for one folder, by platform and processor, as Node names them. */
export async function copyOnnxruntime(
  options: CopyOptions,
  { platform, architecture }: { readonly platform: string; readonly architecture: string },
): Promise<void> {
  await copy("onnxruntime-node/package.json", options);
  await copy("onnxruntime-node/dist", options);
  await copy(`onnxruntime-node/bin/napi-v6/${platform}/${architecture}`, options);
  await copy("onnxruntime-common/package.json", options);
  await copy("onnxruntime-common/dist/cjs", options);
}

/** Of the embedded job database; the same for every platform. */
export async function copyPglite(options: CopyOptions): Promise<void> {
  await copy("@electric-sql/pglite", options);
}

/** Not what is for compilers and debuggers. */
async function copy(path: string, { root, folder }: CopyOptions): Promise<void> {
  await cp(join(root, "node_modules", path), join(folder, "node_modules", path), {
    recursive: true,
    filter: (source) => !/\.(map|d\.[cm]?ts)$/.test(source),
  });
}
