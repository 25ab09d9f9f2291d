// The real S3 server of the store's contract tests. Built from source by Go, once per machine: nothing
// else speaks conditional writes correctly and can be had from a package registry.
import { existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "./cache-folder.mjs";
import { doWithout } from "./do-without.mjs";
import { runChild } from "./run-child.mjs";

const VERSION = "v1.8.0";

/** Resolves to the program, or to undefined when there is none to be had outside of CI. */
export async function startVersitygwBuild() {
  const folder = join(cacheFolder(), "bin");
  const program = join(folder, `versitygw-${VERSION}`);
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  process.stderr.write(
    `Building versitygw ${VERSION}, the S3 server of the tests (once; 2 to 6 minutes) …\n`,
  );
  const startedAtMs = Date.now();
  const reason = await build(program, folder);
  if (reason !== undefined) {
    const message = `The S3 contract tests need versitygw ${VERSION}, and it could not be built: ${reason}`;
    return doWithout(message, "The S3 contract tests are");
  }
  process.stderr.write(`Built versitygw in ${Math.round((Date.now() - startedAtMs) / 1000)} s.\n`);
  return program;
}

/** Why it failed; undefined when the program is there. */
async function build(program, folder) {
  const scratch = join(folder, `build-${process.pid}`);
  const logFile = `${program}.log`;
  const log = openSync(logFile, "w");
  try {
    const { exit } = runChild(
      "go",
      ["install", "-ldflags=-s -w", `github.com/versity/versitygw/cmd/versitygw@${VERSION}`],
      // GOWORK and GOFLAGS of the user's own projects must not reach this build.
      { stdio: ["ignore", log, log], env: { GOBIN: scratch, GOFLAGS: "", GOWORK: "off" } },
    );
    const { code } = await exit;
    if (code !== 0) return `go install failed; the end of ${logFile}:\n${lastLines(logFile)}`;
    renameSync(join(scratch, process.platform === "win32" ? "versitygw.exe" : "versitygw"), program);
    return undefined;
  } catch (error) {
    return error.code === "ENOENT" ? "Go is not installed (https://go.dev/dl)" : String(error);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function lastLines(file) {
  return readFileSync(file, "utf8").trimEnd().split("\n").slice(-20).join("\n");
}
