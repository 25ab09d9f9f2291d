// The CDK packages of infra/aws, for the test that synthesizes its stack. They are larger than all that Softgate needs, so
// they have a folder and a lockfile of their own.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { findDifference } from "./install-packages.mjs";
import { pathWithoutBin, root, runChild } from "./run-child.mjs";

const FOLDER = join(root, "infra/aws");
const INSTALLED = "node_modules/.package-lock.json";

/** Does nothing when they are there. Without them, outside of CI, the test is skipped. */
export async function installAwsPackages() {
  if (existsSync(join(FOLDER, INSTALLED))) {
    const [wanted, installed] = ["package-lock.json", INSTALLED].map(readPackages);
    if (findDifference(wanted, installed, { production: false }) === undefined) return;
  }
  process.stderr.write("Installing the packages of infra/aws (once) …\n");
  const { exit } = runChild(
    "npm",
    ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"],
    {
      cwd: FOLDER,
      path: pathWithoutBin(),
      stdio: ["ignore", "ignore", "inherit"],
      shell: process.platform === "win32",
    },
  );
  const { code } = await exit;
  if (code === 0) return;
  const message = `The packages of infra/aws could not be installed: npm ci ended with ${code}`;
  if (process.env.CI) throw new Error(message);
  process.stderr.write(`\n!! ${message}\n!! The test of the stack is SKIPPED.\n\n`);
}

function readPackages(path) {
  return JSON.parse(readFileSync(join(FOLDER, path), "utf8")).packages;
}
