import { describe, expect, test } from "vitest";
import {
  bestCandidate,
  type Candidate,
  type CandidateTrial,
  foldCount,
  foldsOfHalves,
  type HeldOutFigures,
  validateCandidates,
} from "./validate-candidates.ts";

const CLASSES = ["a", "b"];
const NO_PROMPTS: Candidate = undefined;
const PROMPTS: Candidate = { learningRate: 0.1, insertions: [{ kind: "prompt_generator", layer: 0 }] };

const NO_ANSWERS = { held: [], logits_BC: new Float32Array(0) };

/** Logits that are right about the given share of rows, with one margin. */
function answering(labels: readonly number[], wrong: ReadonlySet<number>) {
  return async ({ held }: CandidateTrial) =>
    Float32Array.from(
      held.flatMap((index) => {
        const answer = wrong.has(index) ? 1 - (labels[index] ?? 0) : labels[index];
        return answer === 0 ? [2, 0] : [0, 2];
      }),
    );
}

const dataOf = (rows: number) => {
  const labels = Array.from({ length: rows }, (_, index) => index % 2);
  const indices = labels.map((_, index) => index);
  const half = rows / 2;
  const folds = foldsOfHalves([indices.slice(0, half), indices.slice(half)]);
  return { labels, classes: CLASSES, folds };
};

describe("validateCandidates", () => {
  test("of few rows holds every row out once: learns on one half, is measured on the other, both ways", async () => {
    const data = dataOf(8);
    const trials: CandidateTrial[] = [];
    const [figures] = await validateCandidates([NO_PROMPTS], data, (trial) => {
      trials.push(trial);
      return answering(data.labels, new Set())(trial);
    });
    expect(trials.map(({ learn, held }) => ({ learn, held }))).toEqual([
      { learn: [0, 1, 2, 3], held: [4, 5, 6, 7] },
      { learn: [4, 5, 6, 7], held: [0, 1, 2, 3] },
    ]);
    expect(figures).toMatchObject({ accuracy: 1, macroF1: 1, n: 8 });
  });

  test("of 128 rows and more measures one way round", async () => {
    const data = dataOf(128);
    const trials: CandidateTrial[] = [];
    const [figures] = await validateCandidates([PROMPTS], data, (trial) => {
      trials.push(trial);
      return answering(data.labels, new Set())(trial);
    });
    expect(trials).toHaveLength(1);
    expect(figures?.n).toBe(64);
    expect([foldCount(127), foldCount(128)]).toEqual([2, 1]);
  });

  test("gives each candidate its own figures, in the order of the candidates", async () => {
    const data = dataOf(8);
    // The second candidate is wrong about row 1 and row 6.
    const figures = await validateCandidates([NO_PROMPTS, PROMPTS], data, (trial) =>
      answering(data.labels, trial.candidate ? new Set([1, 6]) : new Set())(trial),
    );
    expect(figures.map(({ candidate }) => candidate)).toEqual([NO_PROMPTS, PROMPTS]);
    expect(figures.map(({ accuracy }) => accuracy)).toEqual([1, 0.75]);
    // Right 3 times of 4 with one margin of 2. Each of 8 rows speaks for 9/10: best where the score of the
    // answer is 3/4 · 9/10 + 1/4 · 1/10 = 0.7, at margin / temperature = log(0.7 / 0.3).
    expect(figures[1]?.temperature).toBeCloseTo(2 / Math.log(0.7 / 0.3), 4);
    expect(figures[1]?.loss).toBeCloseTo(-(0.75 * Math.log(0.7) + 0.25 * Math.log(0.3)), 6);
    expect(bestCandidate(figures)).toBe(figures[0]);
  });

  test("takes as many rows as a dataset may have", async () => {
    const data = dataOf(200_000);
    const [figures] = await validateCandidates([NO_PROMPTS], data, answering(data.labels, new Set()));
    expect(figures?.n).toBe(100_000);
  });
});

test("the best candidate is the most accurate; among equals that of least loss, then the earlier", () => {
  const figure = (candidate: Candidate, loss: number, accuracy: number): HeldOutFigures => ({
    ...{ candidate, loss, accuracy, macroF1: accuracy, n: 10, temperature: 1, answers: NO_ANSWERS },
  });
  const bare = figure(NO_PROMPTS, 0.5, 0.8);
  const even = figure(PROMPTS, 0.5, 0.8);
  const surer = figure(PROMPTS, 0.4, 0.8);
  const better = figure(PROMPTS, 0.6, 0.9);
  expect(bestCandidate([bare, even])).toBe(bare);
  expect(bestCandidate([bare, even, surer])).toBe(surer);
  expect(bestCandidate([bare, better, surer])).toBe(better);
});

test("a preferred candidate gives way only to one that is better by more than two standard errors", () => {
  const figure = (candidate: Candidate, accuracy: number): HeldOutFigures => ({
    ...{ candidate, accuracy, macroF1: accuracy, loss: 0.5, n: 100, temperature: 1, answers: NO_ANSWERS },
  });
  // √(0.8 · 0.2 / 100) = 0.04
  const preferred = figure(PROMPTS, 0.8);
  const isPreferred = (candidate: Candidate) => candidate === PROMPTS;
  expect(bestCandidate([figure(NO_PROMPTS, 0.87), preferred], isPreferred)).toBe(preferred);
  const far = figure(NO_PROMPTS, 0.89);
  expect(bestCandidate([far, preferred], isPreferred)).toBe(far);
  expect(bestCandidate([far], isPreferred)).toBe(far);
});
