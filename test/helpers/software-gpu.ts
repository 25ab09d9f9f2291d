// A graphics card in software, for tests of what trains on one. On other machines than Linux on x64, and without a
// network, there is none: then tests are skipped, but on that machine never in CI.
import { join } from "node:path";

const bootstrap = new URL("../../infra/bootstrap/swiftshader.mjs", import.meta.url).href;

/** Variables with which a process that is started finds it, and no other card; undefined where there is none. May download. */
export async function findSoftwareGpu(): Promise<Readonly<Record<string, string>> | undefined> {
  const { findSwiftshader }: { findSwiftshader: () => Promise<string | undefined> } = await import(bootstrap);
  const folder = await findSwiftshader();
  if (folder === undefined) return undefined;
  return { LD_LIBRARY_PATH: folder, VK_DRIVER_FILES: join(folder, "vk_swiftshader_icd.json") };
}
