// Waits for a training on a server, and shows where it stands.
import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import { CliError, RemoteError } from "../errors.ts";
import type { Io } from "../io.ts";
import { bar, createProgressLine } from "../progress-line.ts";
import type { Client } from "./client.ts";

const POLL_MS = 500;

export const jobSchema = z.looseObject({
  id: z.string(),
  state: z.string(),
  phase: z.string().optional(),
  progress: z.number(),
  createdAt: z.string(),
  adapterName: z.string(),
  report: z.unknown().optional(),
  adapter: z
    .looseObject({ name: z.string(), version: z.int(), digest: z.string(), heldBack: z.string().optional() })
    .optional(),
  error: z.looseObject({ code: z.string(), message: z.string() }).optional(),
});

export type RemoteJob = z.infer<typeof jobSchema>;

export async function readJob(client: Client, id: string): Promise<RemoteJob> {
  return jobSchema.parse(await client.get(jobPath(id)));
}

export function jobPath(id: string): string {
  return `/v1/jobs/${encodeURIComponent(id)}`;
}

/**
 * The job once it is finished. Throws RemoteError with the job's own code where it failed, and CliError interrupted when
 * the signal is aborted: the job goes on.
 */
export async function followJob(
  client: Client,
  id: string,
  { io, silent }: { io: Io; silent: boolean },
): Promise<RemoteJob & { adapter: NonNullable<RemoteJob["adapter"]> }> {
  const line = createProgressLine(io, { silent });
  const startedMs = io.now();
  try {
    for (;;) {
      const job = await readJob(client, id);
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
    throw new CliError("interrupted", `Interrupted. The job goes on: softgate jobs follow ${id}`, error);
  } finally {
    line.clear();
  }
}
