// An output that grows beside its name until it is whole, so that a run that was ended can be gone on with:
//
//   OUT.partial        the records so far
//   OUT.partial.json   what they are of: the input, the version that answers, the columns; written before them
import { existsSync } from "node:fs";
import { type FileHandle, link, open, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { z } from "zod";
import { CliError } from "../errors.ts";
import { countWholeRecords } from "./whole-records.ts";

const beginningSchema = z.strictObject({
  /** As given on the command line. */
  adapterId: z.string(),
  name: z.string(),
  version: z.int(),
  digest: z.string(),
  input: z.strictObject({ path: z.string(), bytes: z.int(), modifiedMs: z.number() }),
  /** All else that records depend on. */
  options: z.record(z.string(), z.unknown()),
  /** Who is at it. */
  processId: z.int(),
});

/** What an output was begun with. */
export type Beginning = z.infer<typeof beginningSchema>;

export interface PartialOutput {
  /** Whole ones that were there before, the header not among them. */
  readonly rowsBefore: number;
  /** Whether there are records, or at least their header. */
  readonly hasBegun: boolean;
  write(text: string): Promise<void>;
  /** Flushed, and under its own name. Throws CliError bad_usage where that was taken meanwhile. */
  finish(): Promise<void>;
  /** Left as it is. Twice is once. */
  close(): Promise<void>;
}

/** Undefined where none was begun. Throws CliError bad_usage where it cannot be gone on with. */
export async function readBeginning(output: string): Promise<Beginning | undefined> {
  let text: string;
  try {
    text = await readFile(stateFile(output), "utf8");
  } catch (error) {
    if (!existsSync(partialFile(output)) && isMissing(error)) return undefined;
    throw unusable(output, "cannot be told what it is of");
  }
  try {
    return beginningSchema.parse(JSON.parse(text));
  } catch {
    throw unusable(output, "cannot be told what it is of");
  }
}

export async function removePartial(output: string): Promise<void> {
  for (const file of [partialFile(output), stateFile(output)]) await rm(file, { force: true });
}

/** Goes on with what is there, where `before` says of what it is. Throws CliError bad_usage where it is of something else. */
export async function openPartial(
  output: string,
  {
    before,
    now,
    hasQuotes,
    overwrites,
  }: { before: Beginning | undefined; now: Beginning; hasQuotes: boolean; overwrites: boolean },
): Promise<PartialOutput> {
  if (before) requireSame(output, before, now);
  await writeFile(stateFile(output), JSON.stringify(now), { flush: true });
  const file = await open(partialFile(output), "a");
  const { records, bytes } = await countWholeRecords(partialFile(output), hasQuotes);
  await truncate(partialFile(output), bytes);
  return {
    rowsBefore: Math.max(0, records - (hasQuotes ? 1 : 0)),
    hasBegun: records > 0,
    write: async (text) => void (await file.appendFile(text)),
    finish: () => finish(output, file, overwrites),
    close: () => file.close(),
  };
}

function requireSame(output: string, before: Beginning, now: Beginning): void {
  if (before.processId !== now.processId && isAlive(before.processId)) {
    throw unusable(output, `is being written by process ${before.processId}`);
  }
  if (before.digest !== now.digest) {
    throw unusable(
      output,
      `was answered by ${before.name}:${before.version}, asked for as ${before.adapterId}`,
    );
  }
  if (JSON.stringify(before.input) !== JSON.stringify(now.input)) {
    throw unusable(output, `is of ${before.input.path} as it was, or of another file`);
  }
  if (JSON.stringify(before.options) !== JSON.stringify(now.options)) {
    throw unusable(output, `was begun with other options: ${JSON.stringify(before.options)}`);
  }
}

async function finish(output: string, file: FileHandle, overwrites: boolean): Promise<void> {
  await file.sync();
  await file.close();
  if (overwrites) await rename(partialFile(output), output);
  else await nameNew(output);
  await removePartial(output);
}

/** Other than a rename, a link does not take a name that something has. */
async function nameNew(output: string): Promise<void> {
  try {
    await link(partialFile(output), output);
  } catch (error) {
    if (existsSync(output)) throw outputExists(output);
    // A file system without links.
    if (isMissing(error)) throw error;
    await rename(partialFile(output), output);
  }
}

export function outputExists(output: string): CliError {
  return new CliError("bad_usage", `${output} exists already. Name another, or replace it with --overwrite.`);
}

function unusable(output: string, what: string): CliError {
  return new CliError(
    "bad_usage",
    `${partialFile(output)} ${what}. Go on with the same command as before, or begin anew with --restart.`,
  );
}

function partialFile(output: string): string {
  return `${output}.partial`;
}

function stateFile(output: string): string {
  return `${output}.partial.json`;
}

function isAlive(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
