// Every measurement at a tiny scale, on a made-up backbone: that it runs, not what it measures.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTickets } from "../test/helpers/tickets.ts";
import { writeTinyBackbone } from "../test/helpers/tiny-backbone.ts";
import type { ParseResult } from "./parse/measure-parsing.ts";
import { runBench } from "./run-bench.ts";
import { measureRounds } from "./serve/measure-rounds.ts";
import { summarize } from "./statistics.ts";

let folder: string;
let backbone: string;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-bench-"));
  backbone = at("tiny");
  // Backbones of this machine shall not matter.
  process.env.SOFTGATE_CACHE = at("cache");
  await writeTinyBackbone(backbone);
  await mkdir(at("tasks/mail/16-shot/13"), { recursive: true });
  await writeFile(at("tasks/mail/16-shot/13/train.csv"), makeTickets({ seed: 1 }).csv);
  await writeFile(at("tasks/mail/test.csv"), makeTickets({ seed: 2, rowsPerLabel: 5 }).csv);
  await writeFile(at("other.csv"), "text,label\nhello,unheard\n");
});
afterAll(async () => {
  delete process.env.SOFTGATE_CACHE;
  await rm(folder, { recursive: true });
});

async function bench(...args: string[]) {
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const io = { stdout: (text: string) => stdout.push(text), stderr: (text: string) => stderr.push(text) };
  const exitCode = await runBench(args, io);
  return { exitCode, stdout: stdout.join(""), stderr: stderr.join("") };
}

const machine = {
  cpu: expect.any(String),
  instructions: expect.any(Array),
  cores: expect.any(Number),
  memoryGigabytes: expect.any(Number),
  node: process.versions.node,
  onnxruntime: expect.stringMatching(/^\d+\.\d+\.\d+/),
  softgate: expect.stringMatching(/^\d+\.\d+\.\d+/),
  date: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
};

describe("serve", () => {
  const args = () => ["serve", "--backbone", backbone, "--batch", "5", "--resident", "7", "--rounds", "2"];

  it("prints one JSON document with every case, and writes the same to --out", async () => {
    const { exitCode, stdout } = await bench(...args(), "--json", "--out", at("serve.json"));
    expect(exitCode).toBe(0);
    const document = JSON.parse(stdout);
    expect(document).toMatchObject({ benchmark: "serve", machine, settings: { batch: 5, resident: 7 } });
    const { cases, texts, textTokens, ratios } = document.results;
    expect(cases.map((result: { case: string }) => result.case)).toEqual([
      ...["bare", "mixed", "scales", "updates", "single", "resident"],
      ...["bareInt8", "mixedInt8", "scalesInt8", "updatesInt8", "singleInt8", "residentInt8", "classify"],
    ]);
    for (const { milliseconds, tokensPerSecond } of cases) {
      expect(milliseconds.max).toBeGreaterThanOrEqual(milliseconds.median);
      expect(tokensPerSecond).toBeCloseTo((1000 * textTokens) / milliseconds.median, 6);
    }
    expect(texts).toBe(5);
    const byCase = Object.fromEntries(cases.map((result: { case: string }) => [result.case, result]));
    expect(cases[0].ofBare).toMatchObject({ min: 1, max: 1 });
    for (const { of, to, value, target, met } of ratios) {
      if (to === "bare") expect(value).toBe(byCase[of].ofBare.median);
      expect(met).toBe(value >= target);
    }
    expect(await readFile(at("serve.json"), "utf8")).toBe(stdout);
  });

  it("prints a table of texts from a file", async () => {
    await writeFile(at("texts.txt"), "hello\n\nmy package is late\n");
    const { exitCode, stdout } = await bench(...args(), "--texts", at("texts.txt"));
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/mixed \/ bare: \d\.\d{3}/);
  });
});

describe("train", () => {
  it("trains in a child and in this process to the same adapter, and tells time by phase", async () => {
    const files = ["--data", at("tasks/mail/16-shot/13/train.csv"), "--test", at("tasks/mail/test.csv")];
    const { exitCode, stdout, stderr } = await bench(
      ...["train", ...files, "--backbone", backbone, "--epochs", "1", "--threads", "1", "--json"],
    );
    expect(stderr).toMatch(/Training in a child process .* validate/);
    expect(exitCode).toBe(0);
    const { child, inProcess, test, ...results } = JSON.parse(stdout).results;
    expect(results).toMatchObject({ examples: 24, labels: 3, target: { seconds: 60 } });
    expect(test.n).toBe(15);
    for (const { phases, seconds, steps } of [child, inProcess]) {
      expect(phases[1]).toMatchObject({
        name: "validate",
        stepsPerSecond: phases[1].steps / phases[1].seconds,
      });
      expect(phases.reduce((sum: number, phase: { steps: number }) => sum + phase.steps, 0)).toBe(steps);
      expect(seconds).toBeGreaterThan(phases[1].seconds);
    }
  });

  it("refuses a test file with a label that is not learned, before it trains", async () => {
    const files = ["--data", at("tasks/mail/16-shot/13/train.csv"), "--test", at("other.csv")];
    const { exitCode, stderr } = await bench("train", ...files, "--backbone", backbone);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/row 2: the label "unheard" is not among .* \(billing, delivery, technical\)/);
  });
});

it("sessions compares ways to give cores to passes with the first of them", async () => {
  const size = ["--batch", "2", "--rounds", "1", "--warm-up", "0"];
  const { exitCode, stdout } = await bench("sessions", "--backbone", backbone, ...size, "--json");
  expect(exitCode).toBe(0);
  const { results } = JSON.parse(stdout);
  expect(results[0]).toMatchObject({ sessions: 1, ofOne: { median: 1 } });
  for (const { textsPerSecond, aloneMs } of results)
    expect(Math.min(textsPerSecond, aloneMs.min)).toBeGreaterThan(0);
}, 60_000);

it("load asks a server process, and says what it reached of each target", async () => {
  const size = ["--tenants", "10", "--connections", "4", "--seconds", "1", "--rounds", "1", "--threads", "1"];
  const { exitCode, stdout, stderr } = await bench("load", "--backbone", backbone, ...size, "--json");
  expect(stderr).toContain("a second over HTTP");
  expect(exitCode).toBe(0);
  const { http, steady, firstRequest, start, targets } = JSON.parse(stdout).results;
  expect(http.median).toBeGreaterThan(0);
  expect(start.split).toEqual({
    ...{ programMs: expect.any(Number), sessionMs: expect.any(Number), requestMs: expect.any(Number) },
  });
  expect(steady.p99Ms).toBeGreaterThanOrEqual(steady.p50Ms);
  expect(firstRequest.cold.min).toBeGreaterThan(0);
  for (const { value, target, isMost, met } of targets)
    expect(met).toBe(isMost ? value < target : value >= target);
}, 60_000);

it("list reads a page of adapters in one listing and one read for each, wherever it begins", async () => {
  const size = ["--adapters", "30", "--versions", "3", "--limit", "10", "--rounds", "2"];
  const { exitCode, stdout } = await bench("list", ...size, "--json");
  expect(exitCode).toBe(0);
  const { pages } = JSON.parse(stdout).results;
  const shown = pages.map(({ page, adapters, calls }: Record<string, unknown>) => [page, adapters, calls]);
  expect(shown.slice(0, 3)).toEqual([
    ["first", 10, { list: 1, get: 10 }],
    ["middle", 10, { list: 1, get: 10 }],
    ["last", 10, { list: 1, get: 10 }],
  ]);
  expect(pages[4]).toMatchObject({ page: "label", adapters: 1, calls: { list: 3, get: 30 } });
});

it("jobs reads pages of jobs that wait, from the first to the last", async () => {
  const size = ["--jobs", "30", "--tenants", "1", "--limit", "10", "--rounds", "2"];
  const { exitCode, stdout } = await bench("jobs", ...size, "--json");
  expect(exitCode).toBe(0);
  const { pages, submitted } = JSON.parse(stdout).results;
  expect(submitted).toBe(33);
  expect(pages.map(({ page, jobs }: Record<string, unknown>) => [page, jobs])).toEqual([
    ...[
      ["first", 10],
      ["middle", 10],
      ["last", 10],
      ["state", 10],
    ],
    ...[
      ["adapter", 1],
      ["no such", 0],
    ],
  ]);
});

it("soak judges every answer of a server whose adapters change meanwhile", async () => {
  const size = ["--minutes", "0.1", "--adapters", "4", "--per-second", "20", "--changes-per-second", "10"];
  const { exitCode, stdout } = await bench(
    "soak",
    "--backbone",
    backbone,
    ...size,
    "--threads",
    "1",
    "--json",
  );
  expect(exitCode).toBe(0);
  const { answers, changes, lostBecause } = JSON.parse(stdout).results;
  expect({ ...answers, lostBecause }).toMatchObject({
    wrongVersion: 0,
    wrongScores: 0,
    lost: 0,
    lostBecause: {},
  });
  expect(answers.right).toBeGreaterThan(10);
  expect(changes.replace).toBeGreaterThan(0);
}, 120_000);

it("precision compares answers in fp32 and int8 on the same test rows", async () => {
  const where = ["--data", at("tasks"), "--tasks", "mail", "--seeds", "13", "--backbone", backbone];
  const { exitCode, stdout } = await bench("precision", ...where, "--test-rows-max", "10", "--json");
  expect(exitCode).toBe(0);
  const { cells, accuracy, agreement, unrounded, bytesMax, lossPoints } = JSON.parse(stdout).results;
  expect(cells).toMatchObject([{ task: "mail", seed: "13", n: 10, accuracy, agreement }]);
  expect(lossPoints.value).toBeCloseTo(100 * (accuracy.fp32 - accuracy.int8), 9);
  expect(lossPoints.met).toBe(lossPoints.value <= 0.3);
  expect(unrounded.agreement).toBeGreaterThan(0.8);
  expect(bytesMax).toBeGreaterThan(1_000);
});

describe("accuracy", () => {
  const args = () => ["--tasks", "mail", "--seeds", "13", "--backbone", backbone, "--out", at("cells.jsonl")];

  it("writes a line per cell, and measures no finished cell again", async () => {
    const first = await bench("accuracy", "--data", at("tasks"), ...args(), "--json");
    expect(first.exitCode).toBe(0);
    expect(first.stderr).toMatch(/mail 13 softgate: [\d.]+ % \(2 cells left, about \d+ s\)/);
    expect(first.stderr).toMatch(/mail 13 logistic_regression: [\d.]+ % \(the last\)/);
    const { cells, tasks, methods } = JSON.parse(first.stdout).results;
    const lines = await readFile(at("cells.jsonl"), "utf8");
    expect(
      lines
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual(cells);
    expect(cells).toMatchObject([
      { task: "mail", seed: "13", method: "softgate", n: 15 },
      { task: "mail", seed: "13", method: "spt", n: 15 },
      { task: "mail", seed: "13", method: "logistic_regression", n: 15 },
    ]);
    expect(tasks[0].gainPoints).toBeCloseTo(100 * (cells[0].accuracy - cells[2].accuracy), 9);
    expect(methods.map(({ rank }: { rank: number }) => rank).reduce((a: number, b: number) => a + b)).toBe(6);

    const second = await bench("accuracy", "--data", at("tasks"), ...args(), "--plot", at("plot.svg"));
    expect(await readFile(at("plot.svg"), "utf8")).toMatch(/^<svg [\s\S]*>mail</);
    expect(second.stderr).toContain("mail 13 softgate: ");
    expect(second.stderr).not.toContain("search");
    expect(second.stdout).toContain("mail logistic_regression");
    expect(await readFile(at("cells.jsonl"), "utf8")).toBe(lines);
  });

  it("reads all of a task's training file as the split named full, and measures ablations when named", async () => {
    await writeFile(at("tasks/mail/train.csv"), makeTickets({ seed: 3, rowsPerLabel: 9 }).csv);
    const named = ["--seeds", "full", "--methods", "logistic_regression,static_prompts"];
    const files = ["--data", at("tasks"), "--backbone", backbone, "--tasks", "mail"];
    const { exitCode, stdout } = await bench("accuracy", ...files, ...named, "--json");
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).results.cells).toMatchObject([
      { seed: "full", method: "logistic_regression", n: 15, promptLayers: [] },
      { seed: "full", method: "static_prompts", n: 15, promptLayers: [0, 1] },
    ]);
  });

  it("measures on a backbone that predicts words, its texts in templates", async () => {
    const masked = at("tiny-mask");
    await writeTinyBackbone(masked, { maskHead: true });
    const which = ["--data", at("tasks"), "--tasks", "mail", "--seeds", "13", "--json"];
    const methods = ["--methods", "softgate,logistic_regression"];
    const { exitCode, stdout } = await bench("accuracy", "--backbone", masked, ...which, ...methods);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).results.cells).toHaveLength(2);
    const small = ["--batch", "3", "--resident", "3", "--rounds", "1", "--json"];
    const served = await bench("serve", "--backbone", masked, ...small);
    expect(served).toMatchObject({ exitCode: 0 });
  });

  it("says what a folder must hold when it does not", async () => {
    for (const data of [at("absent"), at("tiny")]) {
      const { exitCode, stderr } = await bench("accuracy", "--data", data, ...args());
      expect(exitCode).toBe(2);
      expect(stderr).toContain("must hold <task>/16-shot/<seed>/train.csv and <task>/test.csv");
    }
  });

  it("asks for the validation file of peers before anything is measured", async () => {
    const named = ["--methods", "logistic_regression,lora", "--out", at("peers.jsonl")];
    const { exitCode, stderr } = await bench(
      "accuracy",
      "--data",
      at("tasks"),
      ...args(),
      ...named,
      "--json",
    );
    expect(exitCode).toBe(2);
    const { code, message } = JSON.parse(stderr).error;
    expect(code).toBe("missing_files");
    expect(message).toContain(`There is no file ${at("tasks/mail/16-shot/13/validation.csv")}. Peers choose`);
  });

  it("says that peers have no webgpu, before Python is installed", async () => {
    const files = ["--data", at("tasks"), "--backbone", backbone, "--tasks", "mail", "--seeds", "full"];
    const named = ["--methods", "lora", "--device", "webgpu"];
    const { exitCode, stderr } = await bench("accuracy", ...files, ...named);
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain("PyTorch, which has no webgpu. Name --device cpu or cuda");
  });

  it("does not add to a file that holds anything else", async () => {
    await writeFile(at("notes.txt"), "my notes\n");
    const { exitCode, stderr } = await bench(
      "accuracy",
      "--data",
      at("tasks"),
      ...args(),
      "--out",
      at("notes.txt"),
    );
    expect(exitCode).toBe(2);
    expect(stderr).toContain("line 1: not a result");
    expect(await readFile(at("notes.txt"), "utf8")).toBe("my notes\n");
  });
});

it("edge asks a Worker and a server in Node the same, and tells the Worker's memory", async () => {
  const args = ["edge", "--backbone", backbone, "--requests", "2", "--warm-up", "0", "--json"];
  const { exitCode, stdout } = await bench(...args);
  expect(exitCode).toBe(0);
  const { results } = JSON.parse(stdout);
  for (const host of [results.edge, results.node]) {
    expect(host.coldMs).toBeGreaterThan(0);
    expect(host.sizes).toHaveLength(5);
  }
  expect(results.heap.wasmBytes).toBeGreaterThan(1_000_000);
});

describe("parse", () => {
  it("tells rows, bytes and peak memory of a process of its own for each format", async () => {
    const { exitCode, stdout } = await bench("parse", "--rows", "5000", "--labels", "7", "--json");
    expect(exitCode).toBe(0);
    const document = JSON.parse(stdout);
    expect(document).toMatchObject({ benchmark: "parse", machine, settings: { rows: 5_000, labels: 7 } });
    const readings = document.results.map(({ mediaType, reader, examples }: ParseResult) => [
      ...[mediaType, reader, examples],
    ]);
    expect(readings).toEqual([
      ["text/csv", "server", 0],
      ["text/csv", "trainer", 5_000],
      ["application/x-ndjson", "server", 0],
      ["application/x-ndjson", "trainer", 5_000],
    ]);
    for (const { rows, labels, bytes, startBytes, peakBytes } of document.results) {
      expect({ rows, labels }).toEqual({ rows: 5_000, labels: 7 });
      expect(bytes).toBeGreaterThan(500_000);
      expect(peakBytes).toBeGreaterThan(startBytes);
      expect(peakBytes).toBeLessThan(1e9);
    }
  });

  it("measures a given file, and says why one is not parsed", async () => {
    const { exitCode, stdout } = await bench("parse", "--data", at("tasks/mail/16-shot/13/train.csv"));
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/text\/csv, trainer +24 +3 +24 /);
    const wrong = await bench("parse", "--data", at("other.csv"));
    expect(wrong.exitCode).toBe(2);
    expect(wrong.stderr).toContain("every example has the label");
  });
});

describe("out-of-scope", () => {
  const args = (folderName: string) => ["out-of-scope", "--data", at(folderName), "--backbone", backbone];

  it("learns some rows of each label, and tells rows of none by the threshold of the training", async () => {
    await mkdir(at("intents"), { recursive: true });
    await writeFile(at("intents/train.csv"), makeTickets({ seed: 1, rowsPerLabel: 20 }).csv);
    await writeFile(at("intents/test.csv"), makeTickets({ seed: 2, rowsPerLabel: 10 }).csv);
    const strangers = ["lunch", "weather", "music"].map((word) => `${word} ${word} ${word},none`);
    await writeFile(at("intents/out_of_scope_test.csv"), `text,label\n${strangers.join("\n")}\n`);
    const { exitCode, stdout } = await bench(...args("intents"), "--per-label", "12", "--json");
    expect(exitCode).toBe(0);
    const { benchmark, settings, results } = JSON.parse(stdout);
    expect([benchmark, settings.perLabel]).toEqual(["out-of-scope", 12]);
    expect(results).toMatchObject({ rows: { learned: 36, inScope: 30, outOfScope: 3 }, labels: 3 });
    expect(results.expectedInScopeRecall).toBeCloseTo(1 - 1 / 37, 9);
    expect(results.accuracy).toBeGreaterThan(0.8);
    expect(results.inScopeRecall).toBeGreaterThan(0.8);
    expect(results.scores.map(({ score }: { score: string }) => score)).toEqual([
      ...["max_logit", "top_probability", "energy"],
    ]);
    for (const { auroc } of results.scores) expect(auroc).toBeGreaterThan(0.5);
  });

  it("says what the folder must hold when it does not", async () => {
    const { exitCode, stderr } = await bench(...args("absent"));
    expect(exitCode).toBe(2);
    expect(stderr).toContain("must hold train.csv, test.csv and out_of_scope_test.csv");
  });
});

describe("simulate", () => {
  it("tells the day, and the load run that the simulated server was fitted to", async () => {
    const small = ["--tenants", "50", "--requests", "20000", "--json"];
    const { exitCode, stdout } = await bench("simulate", ...small);
    expect(exitCode).toBe(0);
    const { benchmark, settings, results } = JSON.parse(stdout);
    expect([benchmark, settings.tenants, settings.routing]).toEqual(["simulate", 50, "tenant"]);
    expect(results.memoryShare + results.diskShare + results.storeShare).toBeCloseTo(1, 10);
    expect(results.checks).toHaveLength(2);
  });
});

describe("the command line", () => {
  it.each([
    [["serve", "--rounds", "0"], "Give a whole number from 1"],
    [["serve", "--batch", "many"], "Give a whole number from 1"],
    [["serve", "--texts", "absent.txt"], "Give --texts a file with one text per line"],
    [["train", "--data", "absent.csv"], "Give --data a CSV file with the columns text and label."],
    [["accuracy", "--tasks", "trec", "--seeds", "13"], "--data"],
    [["accuracy", "--data", ".", "--tasks", "../trec", "--seeds", "13"], '"../trec" is no name'],
    [["accuracy", "--data", ".", "--tasks", "a", "--seeds", "13", "--methods", "bert"], "bert is no method"],
    [["serve", "--peers", "bert"], "Name some of transformers_js, peft"],
    [["soak", "--minutes", "0"], "Give a number above 0"],
    [["swim"], "unknown command"],
    [[], "Name a measurement"],
  ])("%j is refused with a word on what is wrong", async (args, message) => {
    const { exitCode, stdout, stderr } = await bench(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toContain(message);
  });

  it("tells an error in JSON with --json", async () => {
    const { stderr } = await bench("serve", "--json", "--rounds", "0");
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: "bad_usage" } });
  });

  it("--help explains each measurement", async () => {
    for (const name of [
      "serve",
      "sessions",
      "load",
      "soak",
      "train",
      "parse",
      "list",
      "jobs",
      "accuracy",
      "precision",
      "out-of-scope",
      "lambda",
      "simulate",
      "costs",
    ]) {
      const { exitCode, stdout } = await bench(name, "--help");
      expect(exitCode).toBe(0);
      expect(stdout).toContain(`Usage: npm run bench -- ${name}`);
    }
  });
});

it("rounds run every case once untimed and once timed, warm-up apart, and another case goes first in the next", async () => {
  const order: string[] = [];
  const run = { a: async () => order.push("a"), b: async () => order.push("b") };
  const timings = await measureRounds(new Map(Object.entries(run)), { warmUp: 1, rounds: 3 });
  expect([...timings].map(([name, { length }]) => [name, length])).toEqual([
    ["a", 3],
    ["b", 3],
  ]);
  expect(order.slice(4).join("")).toBe("aabbbbaaaabb");
});

it("a summary's quartiles lie between neighbouring values", () => {
  const summary = { median: 2.5, lowerQuartile: 1.75, upperQuartile: 3.25, min: 1, max: 4 };
  expect(summarize([4, 1, 3, 2])).toEqual(summary);
});
