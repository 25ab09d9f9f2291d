// Wires the job queue to the registry and to trainings in child processes. The trainer's only wiring.
import type { Registry } from "#registry";
import packageJson from "../package.json" with { type: "json" };
import type { JobObserver, JobQueue } from "./job.ts";
import { createJobQueue } from "./job-queue.ts";
import { trainInChild } from "./train-in-child.ts";

export interface WorkerOptions {
  readonly registry: Registry;
  readonly backbone: { readonly id: string; readonly folder: string; readonly digest: string };
  readonly log: (event: Record<string, unknown>) => void;
  readonly observer?: JobObserver;
}

/** Resolves when the jobs of an earlier process are marked; one worker per store. */
export async function startWorker({ registry, backbone, ...observation }: WorkerOptions): Promise<JobQueue> {
  const queue = createJobQueue({
    registry,
    train: trainInChild,
    backbone,
    softgateVersion: packageJson.version,
    now: Date.now,
    randomId: () => `job-${crypto.randomUUID()}`,
    ...observation,
  });
  await queue.recover();
  return queue;
}
