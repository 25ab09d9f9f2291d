// Wires the job queue to the registry and to trainings in child processes. The trainer's only wiring.
import type { Registry, Signer } from "#registry";
import packageJson from "../package.json" with { type: "json" };
import type { JobObserver, JobQueue } from "./job.ts";
import { createJobQueue } from "./job-queue.ts";
import { trainInChild } from "./train-in-child.ts";

export interface WorkerOptions {
  readonly registry: Registry;
  readonly backbone: { readonly id: string; readonly folder: string; readonly digest: string };
  /** Signs what is trained here; without one, tenants that require signatures are not trained for. */
  readonly signer?: Signer;
  readonly log: (event: Record<string, unknown>) => void;
  readonly observer?: JobObserver;
}

/** One worker per store. The jobs of an earlier process are marked beside what this one does; close() waits for it. */
export function startWorker({ registry, backbone, signer, ...observation }: WorkerOptions): JobQueue {
  const queue = createJobQueue({
    registry,
    train: trainInChild,
    backbone,
    softgateVersion: packageJson.version,
    now: Date.now,
    randomId: () => `job-${crypto.randomUUID()}`,
    ...(signer && { signer }),
    ...observation,
  });
  const recovering = queue.recover().catch((error: unknown) => {
    observation.log({ event: "jobs_not_recovered", error: String(error) });
  });
  return {
    submit: (tenant, request) => queue.submit(tenant, request),
    get: (tenant, id) => queue.get(tenant, id),
    close: async () => {
      await recovering;
      await queue.close();
    },
  };
}
