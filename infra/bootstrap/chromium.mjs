// The browser of the clients' tests: the machine's own Chromium or Chrome where there is one, else Debian's package with the
// libraries that this machine lacks, once per machine. It is unpacked into the user's cache: no root, and nothing of the system's
// is changed. Its key ring and sources are apt's own; its lists are read anew, since a mirror keeps the latest package alone.
//
//   <cache>/chromium/run    starts it with those libraries
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { delimiter, join, relative } from "node:path";
import { cacheFolder } from "./cache-folder.mjs";
import { doWithout } from "./do-without.mjs";
import { runChild } from "./run-child.mjs";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const OF_MACOS = ["Google Chrome", "Chromium"].map(
  (name) => `/Applications/${name}.app/Contents/MacOS/${name}`,
);
const PROGRAM = "usr/lib/chromium/chromium";
/** Of a program that says its version; one that was not started for long takes seconds. */
const VERSION_MS_MAX = 20_000;
/** Scripts that start a program are shorter. */
const SCRIPT_BYTES_MAX = 64 * 1024;

/** Resolves to the program, or to undefined when there is none to be had outside of CI. Takes about half a minute the first time. */
export async function findChromium() {
  for (const program of [...onPath(), ...OF_MACOS]) if (await isFit(program)) return program;
  const folder = join(cacheFolder(), "chromium");
  const program = join(folder, "run");
  if (isProgram(program)) return program;
  process.stderr.write(
    "Unpacking Debian's chromium, the browser of the tests (once; about half a minute) …\n",
  );
  const reason = await unpack(folder);
  if (reason === undefined) return program;
  const message = `The clients' tests in a browser need Chromium, and none could be had: ${reason}`;
  return doWithout(message, "They are");
}

function onPath() {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name)));
}

function isProgram(file) {
  return isAllowed(file, constants.X_OK) && statSync(file).isFile();
}

function isAllowed(file, mode) {
  try {
    accessSync(file, mode);
    return true;
  } catch {
    return false;
  }
}

/** Not what is there and does not start, as Ubuntu's chromium-browser without its snap. */
async function isFit(program) {
  if (!isProgram(program) || isOfSnap(program)) return false;
  const { child, exit } = runChild(program, ["--version"], { stdio: "ignore" });
  const tooLong = setTimeout(() => child.kill("SIGKILL"), VERSION_MS_MAX);
  const { code } = await exit.catch(() => ({ code: null })).finally(() => clearTimeout(tooLong));
  return code === 0;
}

/** It is confined: what a test gives it, a profile in the folder for temporary files, it does not see. */
function isOfSnap(program) {
  const path = realpathSync(program);
  if (path.endsWith("/snap") || path.startsWith("/snap/")) return true;
  if (statSync(path).size > SCRIPT_BYTES_MAX || !isAllowed(path, constants.R_OK)) return false;
  return /^#!.*\/snap\/bin\//s.test(readFileSync(path, "latin1"));
}

/** Why it failed; undefined when the program is there. */
async function unpack(folder) {
  // Ubuntu's package is a snap too: nothing is downloaded to find that out.
  if (isUbuntu()) return "Ubuntu has it as a snap alone; install Google Chrome";
  const scratch = `${folder}-${process.pid}`;
  const packages = join(scratch, "packages");
  const log = `${folder}.log`;
  try {
    for (const made of ["lists/partial", "packages/partial"])
      mkdirSync(join(scratch, made), { recursive: true });
    const run = runner(openSync(log, "w"));
    await run("apt-get", [...aptOptions(scratch, packages), "update"]);
    const install = ["install", "--download-only", "--no-install-recommends", "--yes", "chromium"];
    await run("apt-get", [...aptOptions(scratch, packages), ...install]);
    for (const file of readdirSync(packages).filter((name) => name.endsWith(".deb"))) {
      await run("dpkg-deb", ["--extract", join(packages, file), scratch]);
    }
    if (!existsSync(join(scratch, PROGRAM))) return `this system's package chromium has no ${PROGRAM}`;
    writeFileSync(join(scratch, "run"), starterOf(scratch), { mode: 0o755 });
    await run(join(scratch, "run"), ["--version"]);
    for (const read of ["lists", "packages"]) rmSync(join(scratch, read), { recursive: true });
    if (!existsSync(folder)) renameSync(scratch, folder);
    return undefined;
  } catch (error) {
    if (isProgram(join(folder, "run"))) return undefined;
    return error.code === "ENOENT" ? "there is no apt-get on this system" : `${error.message}; see ${log}`;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function isUbuntu() {
  const file = "/etc/os-release";
  return existsSync(file) && /^ID="?ubuntu"?$/m.test(readFileSync(file, "utf8"));
}

function runner(log) {
  return async (program, args) => {
    const { exit } = runChild(program, args, { stdio: ["ignore", log, log] });
    const { code } = await exit;
    if (code !== 0) throw new Error(`${program} ended with status ${code}`);
  };
}

/** apt without root: what it writes is in folders of our own, and it locks nothing of the system's. */
function aptOptions(scratch, packages) {
  return [
    ...[
      `Dir::State::Lists=${join(scratch, "lists")}`,
      `Dir::Cache::Archives=${packages}`,
      "Dir::Cache::pkgcache=",
    ],
    ...["Dir::Cache::srcpkgcache=", "Debug::NoLocking=1", "APT::Sandbox::User="],
    // Without a network its end is not waited for long.
    ...["Acquire::Retries=1", "Acquire::http::Timeout=20", "Acquire::https::Timeout=20"],
  ].flatMap((option) => ["-o", option]);
}

/** Found from its own place, so that the folder may be moved. */
function starterOf(scratch) {
  const files = readdirSync(join(scratch, "usr/lib"), { recursive: true, withFileTypes: true });
  const libraries = files.filter(({ name }) => /\.so(\.|$)/.test(name)).map(({ parentPath }) => parentPath);
  const folders = [...new Set(libraries)].map((path) => `$here/${relative(scratch, path)}`).join(":");
  return `#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
LD_LIBRARY_PATH="${folders}" exec "$here/${PROGRAM}" "$@"
`;
}
