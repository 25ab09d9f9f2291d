// The CDK packages of infra/aws, for the test that synthesizes its stack. They are larger than all that Softgate needs, so
// they have a folder and a lockfile of their own.
import { join } from "node:path";
import { doWithout } from "./do-without.mjs";
import { findStale, NPM_CI } from "./install-packages.mjs";
import { root } from "./run-child.mjs";
import { runNpm } from "./run-npm.mjs";

const FOLDER = join(root, "infra/aws");

/** Does nothing when they are there. Without them, outside of CI, the test is skipped. */
export async function installAwsPackages() {
  if (findStale(FOLDER, { production: false }) === undefined) return;
  process.stderr.write("Installing the packages of infra/aws (once for each clone) …\n");
  try {
    await runNpm(NPM_CI, FOLDER);
  } catch (error) {
    doWithout(
      `The packages of infra/aws could not be installed: ${error.message}`,
      "The test of the stack is",
    );
  }
}
