// What the figures were measured on.
import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { availableParallelism, cpus, totalmem } from "node:os";
import { z } from "zod";
import packageJson from "../package.json" with { type: "json" };

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGigabytes: number;
  readonly platform: string;
  readonly node: string;
  readonly onnxruntime: string;
  readonly softgate: string;
  /** ISO 8601, UTC, when the measurement ended. */
  readonly date: string;
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() || "unknown",
    cores: availableParallelism(),
    memoryGigabytes: Math.round(totalmem() / 1e8) / 10,
    platform: `${process.platform}-${process.arch}`,
    node: process.versions.node,
    onnxruntime: installedVersion("onnxruntime-node"),
    softgate: packageJson.version,
    date: new Date().toISOString(),
  };
}

export function machineLine(machine: Machine): string {
  const { cpu, cores, memoryGigabytes, platform, node, onnxruntime, softgate, date } = machine;
  return (
    `${cpu}, ${cores} cores, ${memoryGigabytes} GB, ${platform}\n` +
    `softgate ${softgate}, node ${node}, onnxruntime ${onnxruntime}, ${date}\n`
  );
}

/** Read from the package itself: its code need not be loaded for it. */
function installedVersion(name: string): string {
  const path = findPackageJSON(name, import.meta.url);
  if (path === undefined) return "not installed";
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(path, "utf8"))).version;
}
