// For tests: a job database with tables of its own for each opening, on the embedded Postgres and on a server.

import { postgresFolder, startPostgres } from "../../test/helpers/postgres.ts";
import type { TrainingReport } from "../job.ts";
import type { JobDatabase } from "./database.ts";
import { openEmbedded } from "./embedded.ts";
import { type OpenedJobs, type OpenJobsOptions, openJobs } from "./open-jobs.ts";
import { openPostgres } from "./postgres.ts";

export interface TestDatabase {
  readonly database: JobDatabase;
  /** On new tables, or on those of a schema that was opened before. */
  open(options?: Partial<OpenJobsOptions>): Promise<OpenedJobs & { schema: string }>;
  close(): Promise<void>;
}

export const databases: readonly { name: string; isThere: boolean; start: () => Promise<TestDatabase> }[] = [
  { name: "embedded", isThere: true, start: async () => around(await openEmbedded("memory")) },
  { name: "a server's", isThere: postgresFolder !== undefined, start: startServer },
];

async function startServer(): Promise<TestDatabase> {
  if (postgresFolder === undefined) throw new Error("invariant: no Postgres");
  const { url, stop } = await startPostgres(postgresFolder);
  return around(openPostgres(url), stop);
}

function around(database: JobDatabase, stop?: () => Promise<void>): TestDatabase {
  let schemas = 0;
  return {
    database,
    open: async (options = {}) => {
      schemas += 1;
      const schema = options.schema ?? `test_${schemas}`;
      const kept: JobDatabase = { ...bound(database), close: async () => undefined };
      const jobs = await openJobs(kept, { log: () => undefined, superviseSeconds: 1, ...options, schema });
      return { ...jobs, schema };
    },
    close: async () => {
      await database.close();
      await stop?.();
    },
  };
}

/** As plain functions. */
function bound(database: JobDatabase): Omit<JobDatabase, "close"> {
  return {
    description: database.description,
    isShared: database.isShared,
    query: (...given) => database.query(...given),
    transaction: (work) => database.transaction(work),
    listen: (...given) => database.listen(...given),
  };
}

export const submission = (adapterName = "router") => ({
  adapterName,
  datasetId: "ds",
  options: { seed: 7 },
});

export const done = {
  adapter: { name: "router", version: 1, digest: `sha256:${"a".repeat(64)}` },
  report: {
    method: "spt",
    gates: [{ kind: "prompt", layer: 1, value: 0.5 }],
    heldOut: { n: 8, accuracy: 0.9, macroF1: 0.8 },
    seconds: 3,
  } as unknown as TrainingReport,
};
