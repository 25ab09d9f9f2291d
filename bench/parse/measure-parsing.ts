// How much memory reading a dataset takes: the peak of a process that does nothing else.
import { fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type DatasetMediaType, mediaTypeOfFile } from "#trainer/dataset";
import { BenchError } from "../errors.ts";
import type { BenchIo } from "../io.ts";
import type { ParseChildRequest, ParseChildResult } from "./parse-child.ts";
import { READERS, type Reader } from "./readers.ts";
import { FORMATS, writeRows } from "./write-rows.ts";

export interface ParseResult extends ParseChildResult {
  readonly mediaType: DatasetMediaType;
  readonly reader: Reader;
}

/** Made-up files, one a format. */
export async function measureMadeUp(
  size: { rows: number; labels: number; words: number },
  io: BenchIo,
): Promise<ParseResult[]> {
  const folder = await mkdtemp(join(tmpdir(), "softgate-parse-"));
  try {
    const results: ParseResult[] = [];
    for (const format of FORMATS) {
      const path = join(folder, `rows.${format}`);
      io.stderr(`Writing ${size.rows} rows as ${format}\n`);
      await writeRows(path, { format, ...size });
      results.push(...(await measureFile(path, io)));
      await rm(path);
    }
    return results;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Throws BenchError missing_files. */
export async function measureFile(path: string, io: BenchIo): Promise<ParseResult[]> {
  const mediaType = mediaTypeOfFile(path);
  if (!mediaType)
    throw new BenchError("missing_files", `${path}: name a .csv, .tsv, .ndjson or .parquet file.`);
  const results: ParseResult[] = [];
  for (const reader of READERS) {
    io.stderr(`Reading ${basename(path)} as a ${reader} does, in a child process\n`);
    const result = await parseInChild({ path, reader, fileName: basename(path), mediaType });
    results.push({ mediaType, reader, ...result });
  }
  return results;
}

function parseInChild(request: ParseChildRequest): Promise<ParseChildResult> {
  const child = fork(fileURLToPath(new URL("./parse-child.ts", import.meta.url)), {
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  return new Promise((resolve, reject) => {
    let stderr = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.once("message", (result: ParseChildResult) => resolve(result));
    child.once("error", reject);
    child.once("close", () =>
      reject(new BenchError("missing_files", `${request.path} was not parsed. ${stderr}`)),
    );
    child.send(request);
  });
}
