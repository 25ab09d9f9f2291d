// Files answered on a tiny made-up backbone, in this process, and in one that is killed.
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { makeTickets } from "../../test/helpers/tickets.ts";
import { createTestPlace, type TestPlace } from "../test-place.ts";
import { startSoftgate } from "../test-process.ts";

const tickets = makeTickets({ seed: 5, rowsPerLabel: 4 });
let place: TestPlace;
const at = (name: string) => place.at(name);
const run = (...args: string[]) => place.run("classify", "--adapter", "tickets", ...args);
const train = () =>
  place.run(
    ...["train", "--data", at("train.csv"), "--name", "tickets", "--method", "spt", "--epochs", "1"],
    ...["--backbone", at("tiny"), "--json"],
  );

beforeAll(async () => {
  place = await createTestPlace();
  expect((await train()).exitCode).toBe(0);
  const rows = tickets.rows.map(({ text }, index) => `${index},"${text}, and ""more"""\n`);
  await writeFile(at("in.csv"), `id,text\n${rows.join("")}`);
}, 60_000);
afterAll(() => place.close());
beforeEach(async () => {
  for (const name of ["out.csv", "out.tsv", "out.jsonl"]) {
    for (const end of ["", ".partial", ".partial.json"]) await rm(at(name + end), { force: true });
  }
});

/** In int8 they may differ by a rounding where other texts stand beside; all else is the same. */
const withoutScores = (csv: string) => csv.replaceAll(/,[\d.e-]+,(true|false)\n/g, "\n");
const lines = async (name: string) => (await readFile(at(name), "utf8")).trimEnd().split("\n");
const io = (output: string, ...more: string[]) => ["--input", at("in.csv"), "--output", at(output), ...more];

describe("softgate classify --input --output", () => {
  it("each row has its label and score beside it, the same that its text alone is answered", async () => {
    const told = await run(...io("out.csv"));
    expect(told).toMatchObject({ exitCode: 0, stdout: `${at("out.csv")}: 12 rows answered by tickets:1.\n` });
    const [header, first = ""] = await lines("out.csv");
    expect(header).toBe("id,text,label,score,out_of_scope");
    expect(first).toMatch(/^0,".*, and ""more""",[a-z]+,0\.\d+,(true|false)$/);
    const alone = JSON.parse((await run(`${tickets.rows[0]?.text}, and "more"`, "--json")).stdout);
    const [label, score] = first.split(",").slice(-3);
    expect(label).toBe(alone.predictions[0].label);
    expect(Number(score)).toBeCloseTo(alone.predictions[0].score, 1);
    expect(existsSync(at("out.csv.partial"))).toBe(false);
    expect(existsSync(at("out.csv.partial.json"))).toBe(false);
  });

  it("--all-scores gives each label's score: columns, or a list in JSON lines", async () => {
    await run(...io("out.tsv", "--all-scores"));
    const [header, first = ""] = await lines("out.tsv");
    expect(header?.split("\t")).toEqual([
      ...["id", "text", "label", "score", "out_of_scope"],
      ...tickets.labels.map((label) => `score:${label}`),
    ]);
    const scores = first.split("\t").slice(-tickets.labels.length).map(Number);
    expect(scores.reduce((sum, score) => sum + score, 0)).toBeCloseTo(1, 4);
    await run(...io("out.jsonl", "--all-scores"));
    const row = JSON.parse((await lines("out.jsonl"))[0] ?? "");
    expect(Object.keys(row)).toEqual(["id", "text", "label", "score", "out_of_scope", "scores"]);
    expect(row.scores.map(({ score }: { score: number }) => score).sort()).toEqual(scores.sort());
  });

  it("JSON lines keep what stands beside a text, and a row without a text has no label and is told", async () => {
    await writeFile(at("in.jsonl"), '{"text":"refund","n":[1]}\n{"text":" "}\n{"text":"login"}\n');
    const told = await run("--input", at("in.jsonl"), "--output", at("out.jsonl"));
    expect(told).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining("1 rows have no text, first row 2"),
    });
    const rows = (await lines("out.jsonl")).map((line) => JSON.parse(line));
    expect(rows[0]).toEqual({
      text: "refund",
      n: [1],
      label: expect.any(String),
      score: expect.any(Number),
      out_of_scope: expect.any(Boolean),
    });
    expect(rows[1]).toEqual({ text: " ", label: null, score: null, out_of_scope: null });
    expect(rows).toHaveLength(3);
  });

  it("an output that is there is left alone, but with --overwrite", async () => {
    await writeFile(at("out.csv"), "mine");
    const told = await run(...io("out.csv"));
    expect(told).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("exists already") });
    expect(await readFile(at("out.csv"), "utf8")).toBe("mine");
    expect((await run(...io("out.csv", "--overwrite"))).exitCode).toBe(0);
    expect(await lines("out.csv")).toHaveLength(13);
  });

  it("a column of the input is never written over: the new ones are called otherwise", async () => {
    const told = await run("--input", at("train.csv"), "--output", at("out.csv"));
    expect(told).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("--column-prefix predicted_"),
    });
    await run(
      "--input",
      at("train.csv"),
      "--output",
      at("out.csv"),
      "--column-prefix",
      "predicted_",
      "--restart",
    );
    expect((await lines("out.csv"))[0]).toBe(
      "text,label,predicted_label,predicted_score,predicted_out_of_scope",
    );
  });

  it.each([
    [["--input", "in.csv"], "Give --input and --output together"],
    [["--output", "out.csv"], "Give --input and --output together"],
    [["--input", "in.csv", "--output", "out.csv", "a text"], "Give --input and --output together"],
    [["--input", "missing.csv", "--output", "out.csv"], "cannot be read"],
    [["--input", "in.csv", "--output", "out.parquet"], "name the output .csv"],
  ])("%j is refused, and nothing is written", async (args, message) => {
    const paths = args.map((arg) => (arg.includes(".") ? at(arg) : arg));
    const told = await run(...paths);
    expect(told.exitCode).not.toBe(0);
    expect(told.stderr).toContain(message);
    for (const name of ["out.csv", "out.csv.partial", "out.parquet"])
      expect(existsSync(at(name))).toBe(false);
  });

  it("--json tells in one document how many rows there are", async () => {
    const { stdout } = await run(...io("out.csv", "--json"));
    expect(JSON.parse(stdout)).toEqual({
      ...{ output: at("out.csv"), adapterId: "tickets:1" },
      ...{ rows: 12, rowsBefore: 0, withoutText: 0 },
    });
  });
});

describe("a run that was ended", () => {
  /** As many bytes of a whole output as `share` of it, and its beginning as the first run wrote it. */
  async function cut(share: number, change: Record<string, unknown> = {}): Promise<string> {
    await writeFile(at("bad.csv"), "id,text\n1,a\n2\n");
    await run("--input", at("bad.csv"), "--output", at("out.csv"));
    const beginning = JSON.parse(await readFile(at("out.csv.partial.json"), "utf8"));
    await run(...io("out.csv", "--restart"));
    const whole = await readFile(at("out.csv"), "utf8");
    const { size, mtimeMs } = await stat(at("in.csv"));
    const input = { path: at("in.csv"), bytes: size, modifiedMs: mtimeMs };
    await rm(at("out.csv"));
    await writeFile(at("out.csv.partial"), whole);
    await truncate(at("out.csv.partial"), Math.floor(Buffer.byteLength(whole) * share));
    const changed = { ...beginning, input, ...change };
    await writeFile(at("out.csv.partial.json"), JSON.stringify(changed));
    return whole;
  }

  it.each([0, 0.005, 0.52, 0.999])(
    "at %d of its output is gone on with: what comes out is whole",
    async (share) => {
      const whole = await cut(share);
      const told = await run(...io("out.csv"));
      expect(told).toMatchObject({
        exitCode: 0,
        stdout: expect.stringContaining("12 rows answered by tickets:1"),
      });
      expect(withoutScores(await readFile(at("out.csv"), "utf8"))).toBe(withoutScores(whole));
    },
  );

  it("is gone on with by the version that began it, though the alias has moved", async () => {
    const whole = await cut(0.5);
    await train();
    expect((await run(...io("out.csv"))).stdout).toContain("answered by tickets:1, ");
    expect(withoutScores(await readFile(at("out.csv"), "utf8"))).toBe(withoutScores(whole));
    await place.run("adapters", "alias", "tickets", "production", "1");
  });

  it.each([
    ["another input", { input: { path: "other.csv", bytes: 1, modifiedMs: 1 } }, "is of other.csv as it was"],
    ["other options", { options: { columnPrefix: "x", allScores: false } }, "was begun with other options"],
    ["another version", { digest: "sha256:other" }, "was answered by tickets:1"],
    ["a process that still runs", { processId: 1 }, "is being written by process 1"],
  ])("is not gone on with for %s, but with --restart begun anew", async (_, change, message) => {
    await cut(0.5, change);
    const before = await readFile(at("out.csv.partial"), "utf8");
    const told = await run(...io("out.csv"));
    expect(told).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(message) });
    expect(await readFile(at("out.csv.partial"), "utf8")).toBe(before);
    expect((await run(...io("out.csv", "--restart"))).exitCode).toBe(0);
    expect(await lines("out.csv")).toHaveLength(13);
  });

  it("killed in the middle, the same command ends with what one run would have written", async () => {
    const rows = Array.from(
      { length: 4_000 },
      (_, index) => `${index},"${tickets.rows[index % 12]?.text}\n${index}"\n`,
    );
    await writeFile(at("long.csv"), `id,text\n${rows.join("")}`);
    const args = ["--input", at("long.csv"), "--output", at("out.csv")];
    const env = { SOFTGATE_STORE: `file:${at("store")}`, SOFTGATE_CACHE: at("cache") };
    const killed = startSoftgate(["classify", "--adapter", "tickets", ...args], env);
    const size = async () =>
      existsSync(at("out.csv.partial")) ? (await stat(at("out.csv.partial"))).size : 0;
    await vi.waitUntil(async () => (await size()) > 20_000, { timeout: 30_000, interval: 5 });
    killed.child.kill("SIGKILL");
    await once(killed.child, "exit").catch(() => undefined);
    expect(existsSync(at("out.csv"))).toBe(false);
    const told = await run(...args, "--json");
    expect(JSON.parse(told.stdout)).toMatchObject({ rows: 4_000 });
    expect(JSON.parse(told.stdout).rowsBefore).toBeGreaterThan(0);
    const resumed = await readFile(at("out.csv"), "utf8");
    await run(...args, "--overwrite");
    expect(withoutScores(resumed)).toBe(withoutScores(await readFile(at("out.csv"), "utf8")));
  }, 90_000);
});
