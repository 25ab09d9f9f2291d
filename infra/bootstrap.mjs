// From a fresh clone to a running program, with nothing installed but Node 20 and npm: installs the
// locked packages if they are not there, then runs the program under Node 24 from node_modules.
//   node infra/bootstrap.mjs ENTRY.ts [args…]   run a program of this repository
//   node infra/bootstrap.mjs --test [args…]     also get what the tests need, then run vitest
//   node infra/bootstrap.mjs --install          install only
// Plain JavaScript on purpose: this file runs before there are types to strip. No dependency.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { installAwsPackages } from "./bootstrap/aws-packages.mjs";
import { findChromium } from "./bootstrap/chromium.mjs";
import { doWithout } from "./bootstrap/do-without.mjs";
import { findNode } from "./bootstrap/find-node.mjs";
import { installPackages } from "./bootstrap/install-packages.mjs";
import { findPostgres } from "./bootstrap/postgres.mjs";
import { preparePython } from "./bootstrap/python.mjs";
import { endChildren, root, runChild } from "./bootstrap/run-child.mjs";
import { startVersitygwBuild } from "./bootstrap/versitygw.mjs";

/**
 * A server's young objects are requests and answers, gone within milliseconds: room for more of them than this is memory that
 * it keeps and does not need.
 */
const NODE_FLAGS = ["--disable-warning=ExperimentalWarning", "--max-semi-space-size=16"];

const [mode, ...args] = process.argv.slice(2);

try {
  if (mode === "--install") await installPackages();
  else if (mode === "--test") await test(args);
  else await runEntry(mode, args);
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
  endChildren();
}

async function runEntry(entry, entryArgs) {
  if (entry === undefined || !existsSync(join(root, entry))) {
    throw new Error(`There is no program ${entry ?? "(none given)"} in ${root}.`);
  }
  await installPackages({ production: true });
  const { exit } = runChild(findNode(), [...NODE_FLAGS, join(root, entry), ...entryArgs]);
  await leaveAs(await exit);
}

/** What needs no packages is made beside them: of a first run the build of versitygw takes the longest. */
async function test(vitestArgs) {
  const beside = Promise.all([
    startVersitygwBuild(),
    installAwsPackages(),
    findChromium(),
    // What speaks Python to the server in tests, and what checks deployment files.
    preparePython(join(root, "test/openapi/requirements.txt")),
    preparePython(join(root, "infra/validators/requirements.txt")),
  ]);
  beside.catch(() => undefined); // Awaited below; until then a failure must not end the process.
  await installPackages();
  const node = findNode();
  const [postgres] = await Promise.all([findPostgres(), pullBackbone(node)]);
  const [versitygw, , chromium] = await beside;
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const { exit } = runChild(node, [vitest, "run", ...vitestArgs], {
    cwd: root,
    env: {
      ...(versitygw !== undefined && { SOFTGATE_VERSITYGW: versitygw }),
      ...(postgres !== undefined && { SOFTGATE_POSTGRES: postgres }),
      // Where there is none it is not looked for again.
      SOFTGATE_CHROMIUM: chromium ?? "",
    },
  });
  await leaveAs(await exit);
}

/** The golden tests compare against real weights. */
async function pullBackbone(node) {
  const { exit } = runChild(node, [join(root, "cli/main.ts"), "backbone", "pull", "--quiet"], { cwd: root });
  const { code } = await exit;
  if (code !== 0) doWithout("The default backbone could not be pulled.", "The tests on real weights are");
}

/** Ends this process the way the child ended. */
async function leaveAs({ code, signal }) {
  if (signal === null) {
    process.exitCode = code ?? 1;
    return;
  }
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}
