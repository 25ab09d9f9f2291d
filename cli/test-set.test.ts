// Aliases held to a test set, on the command line, on a tiny made-up backbone.
import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTickets } from "../test/helpers/tickets.ts";
import { createTestPlace, type TestPlace } from "./test-place.ts";

let place: TestPlace;
let dataset: string;
const at = (name: string) => place.at(name);
const run = (...args: string[]) => place.run(...args);
const train = (data: string) =>
  run(
    ...["train", "--data", at(data), "--name", "tickets", "--method", "spt", "--epochs", "1"],
    ...["--backbone", at("tiny"), "--json"],
  );

beforeAll(async () => {
  place = await createTestPlace();
  await writeFile(at("test.csv"), makeTickets({ seed: 2, rowsPerLabel: 10 }).csv);
  dataset = (await run("datasets", "add", at("test.csv"))).stdout.trim();
  await train("train.csv");
}, 60_000);
afterAll(() => place.close());

describe("softgate datasets add", () => {
  it("keeps a file, also one too small to learn from, and prints its id alone", async () => {
    expect(dataset).toMatch(/^ds_[0-9a-f]{32}$/);
    await writeFile(at("one.csv"), "text,label\nI was charged twice,billing\n");
    const added = JSON.parse((await run("datasets", "add", at("one.csv"), "--json")).stdout);
    expect(added).toEqual({ id: expect.stringMatching(/^ds_/), rows: 1, labels: ["billing"] });
  });
});

describe("softgate adapters protect --test-set", () => {
  it("says what is missing, and trainings make it: the new version's figures and the current one's", async () => {
    const protectedBy = await run(
      "adapters",
      "protect",
      "tickets",
      "--metric",
      "macroF1",
      "--test-set",
      dataset,
    );
    expect(protectedBy).toMatchObject({
      exitCode: 0,
      stderr: `Next: softgate evaluate --adapter tickets:1 --dataset ${dataset} --record: what later versions are compared with.\n`,
    });
    expect((await run("adapters", "aliases", "tickets")).stdout).toContain(
      `macroF1 on test set ${dataset}, margin 0`,
    );
    const same = JSON.parse((await train("train.csv")).stdout);
    expect(same).toMatchObject({ adapterId: "tickets:2" });
    expect(same).not.toHaveProperty("heldBack");
    const again = await run("adapters", "protect", "tickets", "--metric", "accuracy", "--test-set", dataset);
    expect(again.stderr).toBe("");
    const { stdout } = await run("audit");
    expect(stdout.match(/record_evaluation/g)).toHaveLength(2);
  }, 60_000);

  it.each([[["--test-set", "ds_1"]], [["--test-set", "ds_1", "--metric", "macroF1", "--on", "validation"]]])(
    "%j is no rule",
    async (options) => {
      expect(await run("adapters", "protect", "tickets", ...options)).toMatchObject({
        exitCode: 2,
        stdout: "",
      });
    },
  );
});

describe("softgate evaluate --dataset", () => {
  it("tells what --data tells, and with --record keeps it: the same as the training found", async () => {
    const evaluate = (...args: string[]) => run("evaluate", "--adapter", "tickets:2", ...args, "--json");
    const ofFile = JSON.parse((await evaluate("--data", at("test.csv"))).stdout);
    expect(JSON.parse((await evaluate("--dataset", dataset)).stdout)).toEqual(ofFile);
    const { recorded, ...evaluation } = JSON.parse((await evaluate("--dataset", dataset, "--record")).stdout);
    expect(evaluation).toEqual(ofFile);
    const { accuracy, macroF1, n: rows } = ofFile;
    expect(recorded).toMatchObject({ accuracy, macroF1, dataset: { id: dataset, rows }, by: "cli" });
    const other = (await run("datasets", "add", at("test.csv"))).stdout.trim();
    const told = await run("evaluate", "--adapter", "tickets:2", "--dataset", other, "--record");
    expect(told.stdout).toContain(`\nKept for ${other}, as of 20`);
  }, 60_000);

  it.each([
    [[], "bad_usage", 2],
    [["--data", "a.csv", "--dataset", "ds_1"], "bad_usage", 2],
    [["--data", "a.csv", "--record"], "bad_usage", 2],
    [["--dataset", "ds_1"], "dataset_not_found", 3],
  ] as const)("%j is refused", async (options, code, exitCode) => {
    const result = await run("evaluate", "--adapter", "tickets", ...options, "--json");
    expect([result.exitCode, JSON.parse(result.stderr).error.code]).toEqual([exitCode, code]);
  });
});
