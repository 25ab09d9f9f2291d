// The process whose memory is measured: reads one file, parses it with all its texts, as an evaluation does, tells, ends.
import { readFile } from "node:fs/promises";
import { type ParseOptions, parseDataset } from "#trainer/dataset";

export interface ParseChildRequest extends ParseOptions {
  readonly path: string;
}

export interface ParseChildResult {
  readonly bytes: number;
  readonly rows: number;
  readonly labels: number;
  /** Resident before the file was read: Node and the code. */
  readonly startBytes: number;
  /** The most that was ever resident. */
  readonly peakBytes: number;
}

process.once("message", async ({ path, ...options }: ParseChildRequest) => {
  const startBytes = process.memoryUsage.rss();
  const bytes = await readFile(path);
  const { examples, labels } = await parseDataset(bytes, options);
  const result: ParseChildResult = {
    bytes: bytes.byteLength,
    rows: examples.length,
    labels: labels.length,
    startBytes,
    // Told in kibibytes.
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
  process.send?.(result, () => process.disconnect());
});
