import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TrainerError } from "../errors.ts";
import type { JobDatabase } from "./database.ts";
import { followEvents } from "./follow-events.ts";
import { JobSignals } from "./signals.ts";
import { databases, submission, type TestDatabase } from "./test-jobs.ts";

const [embedded] = databases;

describe("following a job's events while connections break", () => {
  let test: TestDatabase;
  beforeAll(async () => {
    if (!embedded) throw new Error("invariant: no database");
    test = await embedded.start();
  });
  afterAll(() => test.close());

  /** The events of a waiting job, each read of them failing where it is told to. */
  const follow = async (isCutOff: (read: number) => boolean) => {
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
      const told: number[] = [];
      const events = followEvents({ database, schema, signals }, id, { follows: false });
      for await (const { seq } of events) told.push(seq);
      return told;
    } finally {
      await signals.close();
      await close();
    }
  };

  it("reads again what was cut off, once", async () => {
    // The first question, or the second, of the first try.
    expect(await follow((read) => read === 1)).toEqual([1]);
    expect(await follow((read) => read === 2)).toEqual([1]);
  });

  it("rejects where the database stays away", async () => {
    await expect(follow(() => true)).rejects.toMatchObject({ code: "jobs_unavailable" });
  });
});
