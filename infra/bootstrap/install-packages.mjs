// npm ci, but only when node_modules does not hold what package-lock.json says. Compared entry by
// entry with the lockfile npm leaves inside node_modules: file times change with every checkout.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./run-child.mjs";
import { runNpm } from "./run-npm.mjs";

/** No package needs its install script; older npm versions do not read allowScripts. */
export const NPM_CI = ["ci", "--engine-strict=false", "--ignore-scripts"];

/** With production, packages that only development needs may be absent. */
export async function installPackages({ production = false } = {}) {
  const stale = findStale(root, { production });
  if (stale === undefined) return;
  const startedAtMs = Date.now();
  process.stderr.write(`Installing the locked packages (npm ci), as ${stale} …\n`);
  await runNpm(NPM_CI, root);
  process.stderr.write(`Installed in ${Math.round((Date.now() - startedAtMs) / 1000)} s.\n`);
}

/** Why node_modules of a folder is not good enough; undefined when it is. */
export function findStale(folder, { production }) {
  const installed = readPackages(join(folder, "node_modules/.package-lock.json"));
  if (installed === undefined) return "there is no complete node_modules";
  const wanted = readPackages(join(folder, "package-lock.json")) ?? {};
  const difference = findDifference(wanted, installed, { production });
  if (difference !== undefined) return difference;
  const deleted = Object.keys(installed).find((path) => !existsSync(join(folder, path)));
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
    return JSON.parse(readFileSync(lockfile, "utf8")).packages;
  } catch {
    return undefined;
  }
}
