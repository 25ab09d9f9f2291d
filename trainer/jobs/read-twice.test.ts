import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TrainerError } from "../errors.ts";
import type { JobDatabase } from "./database.ts";
import { followEvents } from "./follow-events.ts";
import { JobStore, type JobStoreParts } from "./job-store.ts";
import { JobSignals } from "./signals.ts";
import { databases, submission, type TestDatabase } from "./test-jobs.ts";

const [embedded] = databases;

describe("waiting for a job while connections break", () => {
  let test: TestDatabase;
  beforeAll(async () => {
    if (!embedded) throw new Error("invariant: no database");
    test = await embedded.start();
  });
  afterAll(() => test.close());

  /** A waiting job, and its database, each read of which fails where it is told to. */
  const withBreaks = async <Value>(
    isCutOff: (read: number) => boolean,
    use: (id: string, parts: Pick<JobStoreParts, "database" | "schema" | "signals">) => Promise<Value>,
  ): Promise<Value> => {
    const { store, schema, close } = await test.open();
    const { id } = await store.submit("alpha", submission());
    let reads = 0;
    const database: JobDatabase = {
      ...test.database,
      query: (...given) => {
        reads += 1;
        if (isCutOff(reads)) return Promise.reject(new TrainerError("jobs_unavailable", "cut off"));
        return test.database.query(...given);
      },
    };
    const signals = await JobSignals.open(test.database, schema);
    try {
      return await use(id, { database, schema, signals });
    } finally {
      await signals.close();
      await close();
    }
  };
  const follow = (isCutOff: (read: number) => boolean) =>
    withBreaks(isCutOff, async (id, source) => {
      const told: number[] = [];
      for await (const { seq } of followEvents(source, id, { follows: false })) told.push(seq);
      return told;
    });
  const wait = (isCutOff: (read: number) => boolean) =>
    withBreaks(isCutOff, async (id, parts) => {
      // A wait has no use for the queue.
      const store = new JobStore({ ...parts, boss: undefined as never });
      return (await store.wait("alpha", id, { timeoutMs: 1 }))?.state;
    });

  it("reads again what was cut off, once", async () => {
    // The first question, or the second, of the first try.
    expect(await follow((read) => read === 1)).toEqual([1]);
    expect(await follow((read) => read === 2)).toEqual([1]);
    expect(await wait((read) => read === 1)).toBe("queued");
  });

  it("rejects where the database stays away", async () => {
    await expect(follow(() => true)).rejects.toMatchObject({ code: "jobs_unavailable" });
    await expect(wait(() => true)).rejects.toMatchObject({ code: "jobs_unavailable" });
  });
});
