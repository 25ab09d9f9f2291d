// A graphics card in software for the tests of training on WebGPU: SwiftShader, with the loader of Vulkan. npm has it
// inside of a package that brings Chromium to servers; the rest of that is not kept. Once per machine.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { cacheFolder } from "./cache-folder.mjs";
import { doWithout } from "./do-without.mjs";
import { runChild } from "./run-child.mjs";
import { runNpm } from "./run-npm.mjs";

const NAME = "@sparticuz/chromium";
const VERSION = "153.0.0";
/** Built for this kind of machine alone. */
const PLATFORM = "linux x64";

/** Resolves to the folder of libvulkan.so.1 and vk_swiftshader_icd.json; undefined where there is none to be had outside of CI. */
export async function findSwiftshader() {
  if (`${process.platform} ${process.arch}` !== PLATFORM) return undefined;
  const folder = join(cacheFolder(), "bin", `swiftshader-${VERSION}`);
  if (existsSync(folder)) return folder;
  process.stderr.write(`Installing SwiftShader, of ${NAME} ${VERSION}, for the tests on WebGPU (once) …\n`);
  const reason = await install(folder);
  if (reason === undefined) return folder;
  const message = `The tests on WebGPU need a graphics card in software, and none could be installed: ${reason}`;
  return doWithout(message, "The tests on WebGPU are");
}

/** Why it failed; undefined when it is there. */
async function install(folder) {
  const scratch = `${folder}-${process.pid}`;
  const libraries = join(scratch, "libraries");
  mkdirSync(libraries, { recursive: true });
  try {
    const specifier = `${NAME}@${VERSION}`;
    await runNpm(["install", "--no-save", "--ignore-scripts", "--prefix", scratch, specifier], scratch);
    const packed = readFileSync(join(scratch, "node_modules", NAME, "bin", "swiftshader.tar.br"));
    const archive = join(scratch, "swiftshader.tar");
    writeFileSync(archive, brotliDecompressSync(packed));
    await unpack(archive, libraries);
    if (!existsSync(folder)) renameSync(libraries, folder);
    return undefined;
  } catch (error) {
    // Another process may have been faster.
    return existsSync(folder) ? undefined : error.message;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function unpack(archive, folder) {
  const stdio = ["ignore", "ignore", "inherit"];
  const { exit } = runChild("tar", ["-xf", archive, "-C", folder], { cwd: folder, stdio });
  const { code } = await exit;
  if (code !== 0) throw new Error(`tar ended with status ${code}`);
}
