// The process whose memory is measured: reads one file as a server or a trainer does, tells, ends.
import { open } from "node:fs/promises";
import { EXAMPLES_LEARNED_MAX, inspectDataset, type ParseOptions, readSample } from "#trainer/dataset";
import type { Reader } from "./readers.ts";

export interface ParseChildRequest extends ParseOptions {
  readonly path: string;
  readonly reader: Reader;
}

export interface ParseChildResult {
  readonly bytes: number;
  readonly rows: number;
  readonly labels: number;
  /** Examples with their texts, in memory at the end. */
  readonly examples: number;
  /** Resident before the file was read: Node and the code. */
  readonly startBytes: number;
  /** The most that was ever resident. */
  readonly peakBytes: number;
}

process.once("message", async ({ path, reader, ...options }: ParseChildRequest) => {
  const startBytes = process.memoryUsage.rss();
  await using file = await open(path);
  const read = await (reader === "server" ? asServer : asTrainer)(file, options);
  const result: ParseChildResult = {
    bytes: (await file.stat()).size,
    ...read,
    startBytes,
    // Told in kibibytes.
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
  process.send?.(result, () => process.disconnect());
});

async function asServer(file: { readonly fd: number }, options: ParseOptions) {
  const { rows, labels } = await inspectDataset(file, options);
  return { rows, labels: labels.length, examples: 0 };
}

async function asTrainer(file: { readonly fd: number }, options: ParseOptions) {
  const limit = { most: EXAMPLES_LEARNED_MAX, seed: 0 };
  const { examples, labels, sampledFrom } = await readSample(file, { ...options, limit });
  return { rows: sampledFrom ?? examples.length, labels: labels.length, examples: examples.length };
}
