// What the tests check the deployment files with: the CDK packages of infra/aws, and linters in Python, in an environment
// of their own:
//
//   <cache>/peers/<sha256 of requirements.txt>/   a virtual environment
//       complete                                  written last; without it the folder is made anew
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "./cache-folder.mjs";
import { findDifference } from "./install-packages.mjs";
import { pathWithoutBin, root, runChild } from "./run-child.mjs";

const REQUIREMENTS = join(root, "infra/validators/requirements.txt");
const AWS_FOLDER = join(root, "infra/aws");

/** Resolves to the interpreter that has the linters, or to undefined when they cannot be had outside of CI. */
export async function installValidators() {
  const [python] = await Promise.all([installLinters(), installAwsPackages()].map(orDoWithout));
  return python;
}

async function installLinters() {
  const name = createHash("sha256").update(readFileSync(REQUIREMENTS)).digest("hex");
  const folder = join(cacheFolder(), "peers", name);
  const python =
    process.platform === "win32" ? join(folder, "Scripts/python.exe") : join(folder, "bin/python");
  if (existsSync(join(folder, "complete"))) return python;
  rmSync(folder, { recursive: true, force: true });
  process.stderr.write("Installing the linters of deployment files (once) …\n");
  await run(process.platform === "win32" ? "python" : "python3", ["-m", "venv", folder]);
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"];
  await run(python, [...pip, "-r", REQUIREMENTS]);
  writeFileSync(join(folder, "complete"), "");
  return python;
}

async function installAwsPackages() {
  const packagesOf = (path) => JSON.parse(readFileSync(join(AWS_FOLDER, path), "utf8")).packages;
  const installed = "node_modules/.package-lock.json";
  if (
    existsSync(join(AWS_FOLDER, installed)) &&
    findDifference(packagesOf("package-lock.json"), packagesOf(installed), { production: false }) ===
      undefined
  )
    return;
  process.stderr.write("Installing the packages of infra/aws (once) …\n");
  await run("npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"], {
    cwd: AWS_FOLDER,
    path: pathWithoutBin(),
    shell: process.platform === "win32",
  });
}

async function run(command, args, options = {}) {
  const { exit } = runChild(command, args, { stdio: ["ignore", "ignore", "inherit"], ...options });
  const { code } = await exit;
  if (code !== 0) throw new Error(`${command} ${args.slice(0, 3).join(" ")} ended with status ${code}`);
}

async function orDoWithout(installing) {
  try {
    return await installing;
  } catch (error) {
    const message = `What checks the deployment files could not be installed: ${error.message}`;
    if (process.env.CI) throw new Error(message);
    process.stderr.write(`\n!! ${message}\n!! The tests that need it are SKIPPED.\n\n`);
    return undefined;
  }
}
