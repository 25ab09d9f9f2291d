// The job queue as a server has it: nothing waits for its opening but calls of it. It opens beside the start where
// there may be jobs of an earlier process, else at the first call; where it could not, it tries again.
import { setTimeout } from "node:timers/promises";
import {
  type Job,
  type JobEvent,
  type JobQueue,
  type JobRequest,
  type JobsPage,
  TrainerError,
  type WebhookStore,
} from "../job.ts";
import { type JobPlace, mayHaveJobs, openDatabase } from "./open-database.ts";
import type { OpenedJobs, OpenJobsOptions } from "./open-jobs.ts";

/** Between tries to open. */
const REOPEN_MS = 5_000;

export interface JobService extends JobQueue {
  /** Once: where jobs of an earlier process may be, it is opened soon, and tried again until it is. */
  begin(): void;
  /** Resolves when it is open, rejects when it cannot be. */
  opened(): Promise<void>;
}

export function openJobService(place: JobPlace, options: OpenJobsOptions): JobService {
  return new OpeningJobs(place, options);
}

class OpeningJobs implements JobService {
  readonly #place: JobPlace;
  readonly #options: OpenJobsOptions;
  readonly #stop = new AbortController();
  readonly webhooks: WebhookStore = {
    create: async (...given) => (await this.#open()).webhooks.create(...given),
    list: async (tenant) => (await this.#open()).webhooks.list(tenant),
    remove: async (tenant, id) => (await this.#open()).webhooks.remove(tenant, id),
  };
  #opening: Promise<OpenedJobs> | undefined;

  constructor(place: JobPlace, options: OpenJobsOptions) {
    this.#place = place;
    this.#options = options;
  }

  begin(): void {
    // Not before what is under way is done: a server's start does not wait for it.
    if (mayHaveJobs(this.#place)) setImmediate(() => this.#keepOpening());
  }

  async opened(): Promise<void> {
    await this.#open();
  }

  async submit(tenant: string, request: JobRequest): Promise<Job> {
    return (await this.#open()).store.submit(tenant, request);
  }

  async get(tenant: string, id: string): Promise<Job | undefined> {
    return (await this.#open()).store.get(tenant, id);
  }

  async wait(...given: Parameters<JobQueue["wait"]>): Promise<Job | undefined> {
    return (await this.#open()).store.wait(...given);
  }

  async list(tenant: string, page: JobsPage): ReturnType<JobQueue["list"]> {
    return (await this.#open()).store.list(tenant, page);
  }

  async cancel(tenant: string, id: string): Promise<Job | undefined> {
    return (await this.#open()).store.cancel(tenant, id);
  }

  async retry(tenant: string, id: string): Promise<Job | undefined> {
    return (await this.#open()).store.retry(tenant, id);
  }

  async events(...given: Parameters<JobQueue["events"]>): Promise<AsyncIterable<JobEvent> | undefined> {
    return (await this.#open()).store.events(...given);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    const opened = await this.#opening?.catch(() => undefined);
    await opened?.close();
  }

  /** One opening at a time; after one that failed, the next call begins another. */
  #open(): Promise<OpenedJobs> {
    if (this.#stop.signal.aborted) {
      const message = "The server is stopping; try again in a moment.";
      return Promise.reject(new TrainerError("jobs_unavailable", message));
    }
    this.#opening ??= this.#openNow().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #openNow(): Promise<OpenedJobs> {
    const [{ openJobs }, database] = await Promise.all([import("./open-jobs.ts"), openDatabase(this.#place)]);
    return openJobs(database, this.#options);
  }

  /** Its trainers are wanted, whether or not anybody calls. */
  async #keepOpening(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        return void (await this.#open());
      } catch (error) {
        if (signal.aborted) return;
        this.#options.log({ event: "jobs_unavailable", error: String(error) });
        await setTimeout(REOPEN_MS, undefined, { signal, ref: false }).catch(() => undefined);
      }
    }
  }
}
