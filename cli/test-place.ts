// For tests of trainings on the command line: a folder with a store, a tiny made-up backbone and train.csv.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeTickets } from "../test/helpers/tickets.ts";
import { writeTinyBackbone } from "../test/helpers/tiny-backbone.ts";
import { type Printed, softgate } from "./test-io.ts";

export interface TestPlace {
  /** A path in the folder. */
  readonly at: (name: string) => string;
  readonly run: (...args: string[]) => Promise<Printed>;
  readonly close: () => Promise<void>;
}

/** Until it is closed the cache folder is in it too. */
export async function createTestPlace(): Promise<TestPlace> {
  const folder = await mkdtemp(join(tmpdir(), "softgate-"));
  const at = (name: string) => join(folder, name);
  process.env.SOFTGATE_CACHE = at("cache");
  await writeTinyBackbone(at("tiny"));
  await writeFile(at("train.csv"), makeTickets({ seed: 1, rowsPerLabel: 8 }).csv);
  return {
    at,
    run: (...args) => softgate(args, { env: { SOFTGATE_STORE: `file:${at("store")}` } }),
    close: async () => {
      delete process.env.SOFTGATE_CACHE;
      await rm(folder, { recursive: true });
    },
  };
}
