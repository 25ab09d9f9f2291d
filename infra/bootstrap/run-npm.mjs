// npm as the bootstrap uses it: by its own Node, since the one in node_modules is deleted while npm runs.
import { pathWithoutBin, runChild } from "./run-child.mjs";

// Errors only: packages that ask for a newer Node than the one npm runs on get it from node_modules.
const QUIET = ["--no-audit", "--no-fund", "--loglevel=error"];

/** Rejects when npm is absent or fails; its own message is on the standard error by then. */
export async function runNpm(args, folder) {
  const { exit } = runChild("npm", [...args, ...QUIET], {
    cwd: folder,
    path: pathWithoutBin(),
    // Standard output is the program's; errors and progress are on standard error.
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
  const { code } = await exit.catch((cause) => {
    throw new Error("npm was not found. It comes with Node; install it and run this again.", { cause });
  });
  if (code === 0) return;
  throw new Error(
    `npm ${args[0]} failed with status ${code}; its own message stands above. Run this again to try again.`,
  );
}
