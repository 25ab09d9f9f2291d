// The jobs of a server beside which nobody trains: it takes none, and says so.
import type { JobQueue } from "#trainer/job";
import { RequestError } from "./errors.ts";

async function refuse(): Promise<never> {
  throw new RequestError(
    "trainer_absent",
    "Nobody trains beside this server. Train elsewhere on the same store: softgate train, or a server that trains.",
  );
}

export const NO_TRAINER: JobQueue = {
  webhooks: { create: refuse, list: async () => [], remove: async () => false },
  submit: refuse,
  get: async () => undefined,
  wait: async () => undefined,
  list: async () => ({ jobs: [], hasMore: false }),
  cancel: async () => undefined,
  retry: async () => undefined,
  events: async () => undefined,
  close: async () => undefined,
};
