// The commands that train and answer, on a tiny made-up backbone: what `softgate` does without a server.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseAdapter, serializeAdapter } from "#model";
import {
  createRegistry,
  openObjectStore,
  parseAdapterName,
  parseAdapterReference,
  parseTenantId,
} from "#registry";
import { parseMarkup } from "../test/helpers/parse-markup.ts";
import { makeTickets } from "../test/helpers/tickets.ts";
import { writeTinyBackbone } from "../test/helpers/tiny-backbone.ts";
import { type Printed, softgate } from "./test-io.ts";

let folder: string;
let env: { SOFTGATE_STORE: string };
let test: string;
let trained: Printed;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-"));
  env = { SOFTGATE_STORE: `file:${join(folder, "store")}` };
  // Not vi.stubEnv, which ends with each test.
  process.env.SOFTGATE_CACHE = join(folder, "cache");
  const [backbone, data] = [join(folder, "tiny"), join(folder, "train.csv")];
  test = join(folder, "test.csv");
  await writeTinyBackbone(backbone);
  await writeFile(data, makeTickets({ seed: 1, rowsPerLabel: 12 }).csv);
  await writeFile(test, makeTickets({ seed: 2, rowsPerLabel: 20 }).csv);
  const files = ["--data", data, "--test", test];
  const report = ["--report", join(folder, "trained.html")];
  const args = ["train", ...files, "--name", "tickets", "--method", "spt", ...report];
  trained = await softgate([...args, "--backbone", backbone, "--json"], { env });
}, 120_000);
afterAll(async () => {
  delete process.env.SOFTGATE_CACHE;
  await rm(folder, { recursive: true });
});

it("train publishes version 1 and says how good it is", () => {
  expect(trained).toMatchObject({ exitCode: 0, stderr: "" });
  expect(JSON.parse(trained.stdout)).toMatchObject({
    adapterId: "tickets:1",
    digest: expect.stringMatching(/^sha256:/),
    report: { method: "spt", classes: 3 },
    test: { n: 60 },
  });
  expect(JSON.parse(trained.stdout).test.accuracy).toBeGreaterThan(0.8);
});

it("train --validation decides on those rows, and says so", async () => {
  const data = join(folder, "train.csv");
  const files = ["--data", data, "--validation", test, "--backbone", join(folder, "tiny")];
  const args = ["train", ...files, "--epochs", "1", "--method", "spt", "--pooling", "slots"];
  const { exitCode, stdout } = await softgate([...args, "--name", "checked"], { env });
  expect({ exitCode, stdout }).toEqual({
    exitCode: 0,
    stdout: expect.stringContaining(`(60 rows of ${test})`),
  });
});

it("train and evaluate read the columns that are named, of all their files", async () => {
  const renamed = await Promise.all(
    [join(folder, "train.csv"), test].map(async (path) => {
      const csv = (await readFile(path, "utf8")).replace("text,label", "frage,klasse");
      await writeFile(`${path}.renamed.csv`, csv);
      return `${path}.renamed.csv`;
    }),
  );
  const [data = "", held = ""] = renamed;
  const columns = ["--text-column", "frage", "--label-column", "klasse"];
  const files = ["--data", data, "--validation", held, "--test", held, "--backbone", join(folder, "tiny")];
  const args = [...files, "--epochs", "1", "--method", "spt", "--name", "renamed", "--json"];
  const result = await softgate(["train", ...args, ...columns], { env });
  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  const evaluated = await softgate(
    ["evaluate", "--adapter", "renamed", "--data", held, ...columns, "--json"],
    { env },
  );
  expect(JSON.parse(evaluated.stdout)).toEqual(JSON.parse(result.stdout).test);
  const refused = await softgate(["train", ...args], { env });
  expect(refused.exitCode).toBe(2);
  expect(JSON.parse(refused.stderr).error.message).toContain(
    'found "frage", "klasse"; name the columns "text" and "label", or say which column is the text',
  );
});

it("train on a backbone that predicts words takes a template and label words, and classify uses them", async () => {
  const backbone = join(folder, "tiny-mask");
  await writeTinyBackbone(backbone, { maskHead: true });
  const files = ["--data", join(folder, "train.csv"), "--backbone", backbone, "--name", "words"];
  const words = ["--template", "{mask}: {text}", "--label-words", '{"technical":"error"}'];
  const { exitCode, stdout } = await softgate(["train", ...files, ...words, "--epochs", "1"], { env });
  expect({ exitCode, stdout }).toEqual({
    exitCode: 0,
    stdout: expect.stringContaining('billing, delivery, error in "{mask}: {text}"'),
  });
  const answer = await softgate(["classify", "--adapter", "words", "app login error"], { env });
  expect(answer).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^(billing|delivery|technical)/),
  });
  const wrong = await softgate(["train", ...files, "--template", "{text}"], { env });
  expect(wrong).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("{mask} exactly once") });
  const unread = await softgate(["train", ...files, "--label-words", "great"], { env });
  expect(unread).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("Give a JSON object") });
});

it("evaluate gives the same figures, each label's too", async () => {
  const args = ["evaluate", "--adapter", "tickets", "--data", test];
  const { stdout } = await softgate([...args, "--json"], { env });
  expect(JSON.parse(stdout)).toEqual(JSON.parse(trained.stdout).test);
  expect(JSON.parse(stdout).perLabel.map(({ label }: { label: string }) => label)).toEqual([
    "billing",
    "delivery",
    "technical",
  ]);
  const words = await softgate(args, { env });
  expect(words.stdout).toMatch(/^accuracy \d+\.\d %, macro-F1 \d+\.\d %, n 60\n\nLABEL {6}PRECISION/);
});

it("classify answers arguments and lines of standard input the same", async () => {
  const texts = ["my refund money card", "the package is late", "app login error"];
  const args = ["classify", "--adapter", "tickets:1"];
  const fromArguments = await softgate([...args, ...texts], { env });
  const fromStdin = await softgate(args, { env, stdin: [texts[0] ?? "", "", ...texts.slice(1)] });
  expect(fromStdin).toEqual(fromArguments);
  const lines = fromArguments.stdout.trimEnd().split("\n");
  expect(lines.map((line) => line.split("\t"))).toEqual([
    ["billing", expect.stringMatching(/^0\.\d{4}$|^1\.0000$/), "in", texts[0]],
    ["delivery", expect.any(String), "in", texts[1]],
    ["technical", expect.any(String), "in", texts[2]],
  ]);
});

it("classify --pairs takes two texts with a tab between, and says what is none", async () => {
  const args = ["classify", "--adapter", "tickets", "--pairs"];
  const { exitCode, stdout } = await softgate([...args, "--json"], {
    env,
    stdin: ["refund\tmoney", "late\tbox"],
  });
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout).predictions).toHaveLength(2);
  const alone = await softgate([...args, "refund"], { env });
  expect(alone.exitCode).toBe(2);
  expect(alone.stderr).toContain('"refund" is no pair: write two texts with one tab between them.');
});

it("classify --json is the answer that the HTTP API gives", async () => {
  const { stdout } = await softgate(["classify", "--adapter", "tickets", "--top-k", "2", "--json", "hello"], {
    env,
  });
  const { digest } = JSON.parse(trained.stdout);
  const answer = JSON.parse(stdout);
  expect(answer).toMatchObject({ adapterId: "tickets", version: 1, digest });
  expect(answer.predictions[0].scores).toHaveLength(2);
  expect(answer.predictions[0].label).toBe(answer.predictions[0].scores[0].label);
});

/** The trained adapter as another one, with a threshold that its logits do or do not reach. */
async function publishWithThreshold(name: string, below: number): Promise<void> {
  const store = await openObjectStore(env.SOFTGATE_STORE);
  try {
    const registry = createRegistry({ store });
    const tenant = parseTenantId("default");
    const { manifest } = await registry.resolve(tenant, parseAdapterReference("tickets:1"));
    const adapter = parseAdapter(await registry.readFiles(tenant, manifest));
    const outOfScope = { score: "max_logit", below } as const;
    const { name: _, mediaType, version, createdAt, files, ...kept } = manifest;
    await registry.publish(tenant, {
      name: parseAdapterName(name),
      files: serializeAdapter({ ...adapter, outOfScope }, manifest.backbone),
      manifest: { ...kept, outOfScope },
    });
  } finally {
    await store.close();
  }
}

it("classify says of each text whether it is out of scope, in words and in JSON", async () => {
  await publishWithThreshold("strict", 1e6);
  await publishWithThreshold("lenient", -1e6);
  for (const [name, outOfScope, word] of [
    ["strict", true, "out"],
    ["lenient", false, "in"],
  ] as const) {
    const args = ["classify", "--adapter", name, "my refund money card"];
    const { stdout } = await softgate([...args, "--json"], { env });
    expect(JSON.parse(stdout).predictions).toMatchObject([{ label: "billing", outOfScope }]);
    expect((await softgate(args, { env })).stdout.split("\t").slice(2)).toEqual([
      word,
      "my refund money card\n",
    ]);
  }
});

describe("report", () => {
  it("in JSON is the one of the training, with the version it is of", async () => {
    const { exitCode, stdout } = await softgate(["report", "tickets", "--json"], { env });
    expect(exitCode).toBe(0);
    const { digest, report } = JSON.parse(trained.stdout);
    expect(JSON.parse(stdout)).toMatchObject({ name: "tickets", version: 1, digest, report });
  });

  it("as a page is well-formed and the same from train --report and from report --html", async () => {
    const html = join(folder, "report.html");
    const { exitCode, stdout } = await softgate(["report", "tickets:1", "--html", html], { env });
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: expect.stringContaining(`Written to ${html}.`),
    });
    const page = await readFile(html, "utf8");
    expect(parseMarkup(page).text).toContain("tickets:1");
    expect(await readFile(join(folder, "trained.html"), "utf8")).toBe(page);
  });

  it("in words says what train says at its end", async () => {
    const { stdout } = await softgate(["report", "tickets"], { env });
    for (const name of ["examples", "insertions", "held out", "calibration", "out of scope", "took"])
      expect(stdout).toMatch(new RegExp(`^ {2}${name}`, "m"));
  });

  it.each([
    [["report", "tickets", "--html", "report.pdf"], 2, "name the report's file .html"],
    [["report", "tickets:9"], 3, "no version 9"],
    [["report", "tickets", "--html", "absent/folder/report.html"], 3, "cannot be written"],
  ])("%j is refused", async (args, exitCode, message) => {
    const refused = await softgate(args, { env });
    expect(refused).toMatchObject({ exitCode, stdout: "", stderr: expect.stringContaining(message) });
  });

  it("train --report of another ending is refused before the training", async () => {
    const args = ["train", "--data", test, "--name", "tickets", "--report", "report.txt"];
    const { exitCode, stderr } = await softgate(args, { env });
    expect([exitCode, stderr]).toEqual([2, "error: report.txt: name the report's file .html or .json.\n"]);
  });
});

it("an alias that was set is an adapter id from then on", async () => {
  const set = await softgate(["adapters", "set-alias", "tickets", "staging", "1"], { env });
  expect(set.stdout).toBe("tickets@staging is tickets:1 now.\n");
  expect((await softgate(["classify", "--adapter", "tickets@staging", "hello"], { env })).exitCode).toBe(0);
  const missing = ["adapters", "set-alias", "tickets", "staging", "9"];
  expect((await softgate(missing, { env })).exitCode).toBe(3);
});

it("an adapter is refused on another backbone", async () => {
  const other = join(folder, "other");
  await writeTinyBackbone(other, { seed: 2 });
  const args = ["classify", "--adapter", "tickets", "--backbone", other, "--json", "hello"];
  const { exitCode, stderr } = await softgate(args, { env });
  expect(JSON.parse(stderr)).toMatchObject({ error: { code: "backbone_mismatch" } });
  expect(exitCode).toBe(2);
});
