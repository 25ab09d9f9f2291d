// Child processes of the bootstrap: node_modules/.bin first in PATH, signals passed on, status kept.
import { spawn } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "./cache-folder.mjs";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const binFolder = join(root, "node_modules", ".bin");

const running = new Set();
let isListening = false;

/**
 * Node keeps what it compiled, types stripped, and starts in half the time; in a folder of the user's own, since what
 * lies there is run.
 */
const NODE_COMPILE_CACHE = process.env.NODE_COMPILE_CACHE || join(cacheFolder(), "compiled");

/** Starts a program on this terminal; `exit` resolves to {code, signal} and rejects when it cannot start. */
export function runChild(command, args, { env = {}, path = binFirst(), ...options } = {}) {
  const child = spawn(command, args, {
    stdio: "inherit",
    ...options,
    env: { ...process.env, NODE_COMPILE_CACHE, ...env, PATH: path },
  });
  running.add(child);
  passSignalsOn();
  const exit = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal }));
  }).finally(() => running.delete(child));
  return { child, exit };
}

/** Without them this process can end. */
export function endChildren() {
  for (const child of running) child.kill("SIGTERM");
}

function passSignalsOn() {
  if (isListening) return;
  isListening = true;
  for (const [signal, number] of [
    ["SIGINT", 2],
    ["SIGTERM", 15],
    ["SIGHUP", 1],
  ]) {
    process.on(signal, () => {
      if (running.size === 0) process.exit(128 + number);
      for (const child of running) child.kill(signal);
    });
  }
}

function binFirst() {
  return [binFolder, pathWithoutBin()].join(delimiter);
}

/** What was there before npm put the packages' programs first. */
export function pathWithoutBin() {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.filter((folder) => folder !== binFolder).join(delimiter);
}
