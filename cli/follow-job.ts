// Waits for a training by asking where it stands, and shows it. Where it is asked is passed in.
import { setTimeout } from "node:timers/promises";
import { CliError, RemoteError } from "./errors.ts";
import type { Io } from "./io.ts";
import { bar, createProgressLine } from "./progress-line.ts";

const POLL_MS = 500;

interface FollowedJob {
  readonly state: string;
  readonly phase?: string | undefined;
  readonly progress: number;
  readonly adapter?: object | undefined;
  readonly error?: { readonly code: string; readonly message: string } | undefined;
}

interface FollowOptions<Job> {
  readonly io: Io;
  readonly silent?: boolean;
  readonly read: (id: string) => Promise<Job>;
  /** When the signal is aborted; without, the job goes on. */
  readonly cancel?: (id: string) => Promise<unknown>;
}

/** The job once it has succeeded. Throws RemoteError with its own code where it did not, and CliError interrupted. */
export async function followJob<Job extends FollowedJob>(
  id: string,
  options: FollowOptions<Job>,
): Promise<Job & { adapter: NonNullable<Job["adapter"]> }> {
  const { io, silent = false, read, cancel } = options;
  const line = createProgressLine(io, { silent });
  const startedMs = io.now();
  try {
    for (;;) {
      const job = await read(id);
      const { state, phase, progress, adapter, error } = job;
      if (state === "succeeded" && adapter) return { ...job, adapter };
      if (state !== "queued" && state !== "running" && state !== "succeeded") {
        throw new RemoteError(error?.code ?? `job_${state}`, error?.message ?? `The job is ${state}.`, 500);
      }
      const seconds = Math.round((io.now() - startedMs) / 1_000);
      line.show(`Training: ${phase ?? state}`, `${bar(progress)}  ${seconds} s`);
      await setTimeout(POLL_MS, undefined, { signal: io.signal });
    }
  } catch (error) {
    if (!io.signal.aborted) throw error;
    await cancel?.(id);
    const fate = cancel ? "is cancelled." : `goes on: softgate jobs follow ${id}`;
    throw new CliError("interrupted", `Interrupted. The job ${fate}`, error);
  } finally {
    line.clear();
  }
}
