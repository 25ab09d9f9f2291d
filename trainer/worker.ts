// Wires the job queue to the registry and to trainings in child processes. The trainer's only wiring.
import type { Registry, Signer, TenantId } from "#registry";
import packageJson from "../package.json" with { type: "json" };
import type { DeviceReport, JobObserver } from "./job.ts";
import { type JobService, openJobService } from "./jobs/job-service.ts";
import type { JobPlace } from "./jobs/open-database.ts";
import type { RunAttempt } from "./jobs/trainers.ts";
import { runJob } from "./run-job.ts";
import { trainInChild } from "./train-in-child.ts";

export { type JobService, openJobService } from "./jobs/job-service.ts";
export { type JobPlace, jobPlaceOf } from "./jobs/open-database.ts";

export interface WorkerOptions {
  readonly registry: Registry;
  readonly backbone: { readonly id: string; readonly folder: string; readonly digest: string };
  readonly jobs: JobPlace;
  /** Trainings at once in this process; 0: other processes train. Default 1. */
  readonly trainers?: number;
  /** Of one tenant at once, in all processes. Default TENANT_TRAININGS_MAX. */
  readonly trainingsPerTenantMax?: number;
  /** Longest training. Default an hour, at most TRAIN_MS_MAX_LONGEST. */
  readonly trainMsMax?: number;
  /** Of the tenants' webhooks; without, they are sent elsewhere. */
  readonly webhooks?: { readonly allowsPrivate: boolean };
  /** Signs what is trained here; without one, tenants that require signatures are not trained for. */
  readonly signer?: Signer;
  /** Of all trainings. Default: the CPU. */
  readonly device?: DeviceReport;
  readonly log: (event: Record<string, unknown>) => void;
  readonly observer?: JobObserver;
}

export const TENANT_TRAININGS_MAX = 2;

/** Nothing is opened yet: begin() does it beside the caller, and tries again when it could not be; calls do, too. */
export function startWorker(options: WorkerOptions): JobService {
  const { registry, backbone, signer, device, observer, jobs, webhooks, log } = options;
  const { trainers = 1, trainingsPerTenantMax = TENANT_TRAININGS_MAX, trainMsMax } = options;
  const work = {
    ...{ registry, backbone, train: trainInChild, softgateVersion: packageJson.version },
    ...(signer && { signer }),
    ...(device && { device }),
    ...(observer && { observer }),
  };
  // The route that submitted it had the tenant from its credential.
  const run: RunAttempt = (request) => runJob({ ...request, tenant: request.tenant as TenantId }, work);
  return openJobService(jobs, {
    trainers: { count: trainers, perTenantMax: trainingsPerTenantMax, run, now: Date.now },
    ...(trainMsMax !== undefined && { trainMsMax }),
    sendsWebhooks: webhooks !== undefined,
    allowsPrivateWebhooks: webhooks?.allowsPrivate ?? false,
    log,
  });
}
