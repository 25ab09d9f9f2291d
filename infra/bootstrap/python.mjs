// Python for tests and peers: what a requirements.txt names, installed once, apart from any Python of the user's.
//
//   <cache>/python/<sha256 of requirements.txt>/   a virtual environment
//
// Made under another name and moved when it is complete: of several that make it at once, one stays.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "./cache-folder.mjs";
import { doWithout } from "./do-without.mjs";
import { runChild } from "./run-child.mjs";

const IS_WINDOWS = process.platform === "win32";

/** Resolves to the interpreter, or to undefined when there is none to be had outside of CI. Takes minutes at most. */
export async function preparePython(requirements) {
  const name = createHash("sha256").update(readFileSync(requirements)).digest("hex");
  const parent = join(cacheFolder(), "python");
  const folder = join(parent, name);
  if (existsSync(folder)) return interpreterOf(folder);
  mkdirSync(parent, { recursive: true });
  process.stderr.write(`Installing what ${requirements} names (once; about half a minute) …\n`);
  const reason = await build({ requirements, folder });
  if (reason === undefined) return interpreterOf(folder);
  return doWithout(`The tests that need ${requirements} cannot be run: ${reason}`, "They are");
}

/** Why it failed; undefined when the environment is there. */
async function build({ requirements, folder }) {
  const scratch = `${folder}-${process.pid}`;
  const logFile = `${folder}.log`;
  const log = openSync(logFile, "w");
  const pip = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"];
  try {
    for (const [program, args] of [
      [IS_WINDOWS ? "python" : "python3", ["-m", "venv", scratch]],
      [interpreterOf(scratch), [...pip, "-r", requirements]],
    ]) {
      const { exit } = runChild(program, args, { stdio: ["ignore", log, log] });
      const { code } = await exit;
      if (code !== 0) return `${program} ${args.join(" ")} failed; see ${logFile}`;
    }
    if (!existsSync(folder)) renameSync(scratch, folder);
    return undefined;
  } catch (error) {
    if (existsSync(folder)) return undefined;
    return error.code === "ENOENT" ? "there is no python3" : String(error);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function interpreterOf(folder) {
  return IS_WINDOWS ? join(folder, "Scripts", "python.exe") : join(folder, "bin", "python");
}
