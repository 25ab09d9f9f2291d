// Child processes of the bootstrap: node_modules/.bin first in PATH, signals passed on, status kept.
import { spawn } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const binFolder = join(root, "node_modules", ".bin");

const running = new Set();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    if (running.size === 0) process.exit(signal === "SIGINT" ? 130 : 143);
    for (const child of running) child.kill(signal);
  });
}

/** Starts a program on this terminal; `exit` resolves to {code, signal} and rejects when it cannot start. */
export function runChild(command, args, { env = {}, path = binFirst(), ...options } = {}) {
  const child = spawn(command, args, {
    stdio: "inherit",
    ...options,
    env: { ...process.env, ...env, PATH: path },
  });
  running.add(child);
  const exit = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal }));
  }).finally(() => running.delete(child));
  return { child, exit };
}

function binFirst() {
  return [binFolder, pathWithoutBin()].join(delimiter);
}

/** What was there before npm put the packages' programs first. */
export function pathWithoutBin() {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.filter((folder) => folder !== binFolder).join(delimiter);
}

export function fail(message) {
  process.stderr.write(`error: ${message}\n`);
  process.exit(1);
}
