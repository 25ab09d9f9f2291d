// What the figures were measured on.
import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { availableParallelism, cpus, totalmem } from "node:os";
import { z } from "zod";
import packageJson from "../package.json" with { type: "json" };

export interface Machine {
  readonly cpu: string;
  /** Of the processor's instructions those that products of matrices are made of, widest last; where Linux tells. */
  readonly instructions: readonly string[];
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
    instructions: instructions(),
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
  const {
    cpu,
    instructions: known,
    cores,
    memoryGigabytes,
    platform,
    node,
    onnxruntime,
    softgate,
    date,
  } = machine;
  return (
    `${cpu}${known.length > 0 ? ` (${known.join(", ")})` : ""}, ${cores} cores, ${memoryGigabytes} GB, ${platform}\n` +
    `softgate ${softgate}, node ${node}, onnxruntime ${onnxruntime}, ${date}\n`
  );
}

const INSTRUCTIONS = ["avx2", "avx_vnni", "avx512f", "avx512_vnni", "amx_int8", "asimddp", "i8mm"];

function instructions(): string[] {
  if (process.platform !== "linux") return [];
  const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "";
  const known = new Set(flags.split(" "));
  return INSTRUCTIONS.filter((name) => known.has(name));
}

/** Read from the package itself: its code need not be loaded for it. */
function installedVersion(name: string): string {
  const path = findPackageJSON(name, import.meta.url);
  if (path === undefined) return "not installed";
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(path, "utf8"))).version;
}
