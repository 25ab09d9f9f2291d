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
  const stale = findStalePackage({ production });
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
function findStalePackage({ production }) {
  const installed = readPackages("node_modules/.package-lock.json");
  if (installed === undefined) return "there is no complete node_modules";
  for (const [path, wanted] of Object.entries(readPackages("package-lock.json") ?? {})) {
    if (path === "" || wanted.link) continue;
    const found = installed[path];
    if (found === undefined) {
      if (wanted.optional || wanted.devOptional || (production && wanted.dev)) continue;
      return `${path} is missing`;
    }
    if (found.version !== wanted.version || found.integrity !== wanted.integrity)
      return `${path} has changed`;
    if (!existsSync(join(root, path))) return `${path} was deleted`;
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
