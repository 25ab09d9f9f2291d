// npm ci, but only when node_modules does not hold what package-lock.json says. Compared entry by
// entry with the lockfile npm leaves inside node_modules: file times change with every checkout.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathWithoutBin, root, runChild } from "./run-child.mjs";

const NPM_CI = [
  "ci",
  "--no-audit",
  "--no-fund",
  // Errors only: packages that ask for a newer Node than the one npm runs on get it from node_modules.
  "--loglevel=error",
  "--engine-strict=false",
  // No package here needs its install script; older npm versions do not read allowScripts.
  "--ignore-scripts",
];

/** With production, packages that only development needs may be absent. */
export async function installPackages({ production = false } = {}) {
  const stale = findStale({ production });
  if (stale === undefined) return;
  const startedAtMs = Date.now();
  process.stderr.write(`Installing the locked packages (npm ci), as ${stale} …\n`);
  const { code } = await runNpm();
  if (code !== 0) {
    throw new Error(
      `npm ci failed with status ${code}; its own message stands above. Run this again to try again.`,
    );
  }
  process.stderr.write(`Installed in ${Math.round((Date.now() - startedAtMs) / 1000)} s.\n`);
}

async function runNpm() {
  const { exit } = runChild("npm", NPM_CI, {
    cwd: root,
    // npm's own Node: the one in node_modules is deleted while npm runs.
    path: pathWithoutBin(),
    // Standard output is the program's; errors and progress are on standard error.
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
  return exit.catch((cause) => {
    throw new Error("npm was not found. It comes with Node; install it and run this again.", { cause });
  });
}

/** Why node_modules is not good enough; undefined when it is. */
function findStale({ production }) {
  const installed = readPackages("node_modules/.package-lock.json");
  if (installed === undefined) return "there is no complete node_modules";
  const wanted = readPackages("package-lock.json") ?? {};
  const difference = findDifference(wanted, installed, { production });
  if (difference !== undefined) return difference;
  const deleted = Object.keys(installed).find((path) => !existsSync(join(root, path)));
  return deleted === undefined ? undefined : `${deleted} was deleted`;
}

/** Between the "packages" of the two lockfiles. What another platform needs is optional and may be absent. */
export function findDifference(wanted, installed, { production }) {
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === "" || entry.link) continue;
    const found = installed[path];
    const mayBeAbsent = entry.optional || (production && (entry.dev || entry.devOptional));
    if (found === undefined && !mayBeAbsent) return `${path} is missing`;
    const isSame = found?.version === entry.version && found?.integrity === entry.integrity;
    if (found !== undefined && !isSame) return `${path} has changed`;
  }
  return undefined;
}

function readPackages(lockfile) {
  try {
    return JSON.parse(readFileSync(join(root, lockfile), "utf8")).packages;
  } catch {
    return undefined;
  }
}
