// At a tiny scale: that the measurement runs, not what it measures. Where AWS's runtime client was built.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";
import { findLambdaRuntimeClient } from "../../test/helpers/lambda-runtime-api.ts";
import { writeTinyBackbone } from "../../test/helpers/tiny-backbone.ts";
import { runBench } from "../run-bench.ts";

const program = await findLambdaRuntimeClient();

it.skipIf(program === undefined)("tells a function's start, its first answer and the next", async () => {
  const folder = await mkdtemp(join(tmpdir(), "softgate-bench-lambda-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeTinyBackbone(join(folder, "tiny"));
  // The client lies in the user's cache folder: looked up before it is another.
  vi.stubEnv("SOFTGATE_LAMBDA_CLIENT", program);
  vi.stubEnv("SOFTGATE_CACHE", join(folder, "cache"));
  const stdout: string[] = [];
  const io = { stdout: (text: string) => void stdout.push(text), stderr: () => undefined };
  const scale = ["--rounds", "1", "--warm", "2", "--store", "file", "--json"];
  expect(await runBench(["lambda", "--backbone", join(folder, "tiny"), ...scale], io)).toBe(0);
  const { benchmark, settings, results } = JSON.parse(stdout.join(""));
  expect([benchmark, settings.rounds, settings.store]).toEqual(["lambda", 1, "file"]);
  expect(results.firstAnswerMs.median).toBeGreaterThan(results.initMs.median);
  expect(results.warmMs.median).toBeGreaterThan(0);
});
