// Waits for a job by asking the server, and shows where it stands.
import { setTimeout } from "node:timers/promises";
import { bar, type ProgressLine } from "../progress-line.ts";
import type { Api, JobView } from "./api.ts";

const POLL_MS = 250;

export interface FinishedJob {
  readonly adapter: NonNullable<JobView["adapter"]>;
  readonly report: NonNullable<JobView["report"]>;
}

/** Throws when the job failed, and when the signal is aborted: then the job is cancelled, or it would go on later. */
export async function followJob(
  api: Api,
  jobId: string,
  { line, signal }: { line: ProgressLine; signal: AbortSignal },
): Promise<FinishedJob> {
  const startedAtMs = Date.now();
  for (;;) {
    const { state, phase, progress, adapter, report, error } = await api.job(jobId);
    if (state === "failed") throw new Error(`The training failed: ${error?.message ?? "no reason given"}`);
    if (state === "succeeded" && adapter && report) return { adapter, report };
    const seconds = Math.round((Date.now() - startedAtMs) / 1000);
    line.show(`Training: ${phase ?? state}`, `${bar(progress)}  ${seconds} s`);
    if (state === "cancelled") throw new Error("The job was cancelled.");
    await setTimeout(POLL_MS);
    if (!signal.aborted) continue;
    await api.cancel(jobId);
    signal.throwIfAborted();
  }
}
