// Whether a device can train on a backbone here: a chain of products first, which tells a real accelerator from software
// that plays one, then one training step, its loss and every gradient compared with the CPU's.
import type { Backbone, Device } from "#model";
import { GraphBuilder, must } from "#model/graph";
import { lackOf, Session } from "#model/runtime/session";
import { createRandom, normal } from "../random.ts";
import { explainAbsence, explainLack } from "./explain-absence.ts";
import { type Trial, trainingStep } from "./training-step.ts";

/** `speedup`: times as fast as the CPU in a training step; absent where it was not asked for. */
export type ProbeResult =
  | { readonly works: true; readonly speedup?: number }
  | { readonly works: false; readonly reason: string; readonly remedy?: string };

/**
 * Of the largest number of the same output. A wrong kernel is wrong by much more; CUDA multiplies with 10 bits of
 * mantissa where it may (TF32).
 */
export const DEVICE_TOLERANCE = 0.02;

/** A device whose training step is not this much faster is not worth the other numbers it gives. */
const STEP_SPEEDUP_MIN = 1.25;
/** Of products: software that plays a graphics card is slower by far, and its training step would take minutes. */
const PRODUCTS_SPEEDUP_MIN = 0.5;

export interface ProbeOptions {
  /** Times it too, and finds that it does not work where it is no faster than the CPU. */
  readonly mustBeFaster: boolean;
}

/** Never "works" for a device that gives other numbers than the CPU. */
export async function probeDevice(
  device: Device,
  backbone: Backbone,
  { mustBeFaster }: ProbeOptions,
): Promise<ProbeResult> {
  const lack = lackOf(device);
  if (lack) return { works: false, ...explainLack(lack) };
  try {
    const products = await tryOut(device, productChain(), mustBeFaster ? PRODUCTS_SPEEDUP_MIN : undefined);
    if (!products.works) return products;
    return await tryOut(device, await trainingStep(backbone), mustBeFaster ? STEP_SPEEDUP_MIN : undefined);
  } catch (error) {
    return { works: false, ...explainAbsence(device, error) };
  }
}

/** Without `speedupMin` it is not timed. */
async function tryOut(device: Device, trial: Trial, speedupMin: number | undefined): Promise<ProbeResult> {
  const cpu = await Session.create(trial.graph);
  try {
    const other = await Session.create(trial.graph, { device });
    try {
      const { feeds, outputs } = trial;
      const error = largestError(await cpu.run(feeds, outputs), await other.run(feeds, outputs));
      if (!(error <= DEVICE_TOLERANCE)) return { works: false, reason: describeError(error) };
      if (speedupMin === undefined) return { works: true };
      const speedup = (await secondsOf(cpu, trial)) / (await secondsOf(other, trial));
      return speedup < speedupMin
        ? { works: false, reason: describeSpeed(speedup) }
        : { works: true, speedup };
    } finally {
      await other.close();
    }
  } finally {
    await cpu.close();
  }
}

const CHAIN = { rows: 512, width: 512, products: 4 };

/** 1 GFLOP: two cores take ten milliseconds. */
function productChain(): Trial {
  const { rows, width, products } = CHAIN;
  const random = createRandom(1);
  const draw = (count: number) =>
    Float32Array.from({ length: count }, () => normal(random) / Math.sqrt(width));
  const builder = new GraphBuilder();
  const weight = builder.constant(draw(width * width), [width, width]);
  let states = builder.input("states", ["N", width]);
  for (let product = 0; product < products; product++) states = builder.apply("MatMul", [states, weight]);
  builder.output("product", states);
  const feeds = { states: { data: draw(rows * width), shape: [rows, width] } };
  return { graph: builder.build(), feeds, outputs: ["product"] };
}

type Results = Readonly<Record<string, ArrayLike<number>>>;

/** Over all outputs, of each output's largest number. NaN where one is not a number. */
export function largestError(expected: Results, actual: Results): number {
  const errors = Object.entries(expected).map(([output, numbers]) => {
    const others = must(actual[output], output);
    let [largest, error] = [0, 0];
    for (let i = 0; i < numbers.length; i++) {
      largest = Math.max(largest, Math.abs(numbers[i] ?? Number.NaN));
      error = Math.max(error, Math.abs((numbers[i] ?? Number.NaN) - (others[i] ?? Number.NaN)));
    }
    return error === 0 ? 0 : error / largest;
  });
  return Math.max(...errors);
}

const TIMED_RUNS_MAX = 3;
const TIMED_MS_MAX = 1_000;

/** The fastest of some runs, after one that was not timed. */
async function secondsOf(session: Session, { feeds, outputs }: Trial): Promise<number> {
  const timesMs: number[] = [];
  const startedMs = performance.now();
  while (timesMs.length < TIMED_RUNS_MAX && performance.now() - startedMs < TIMED_MS_MAX) {
    const runMs = performance.now();
    await session.run(feeds, outputs);
    timesMs.push(performance.now() - runMs);
  }
  return Math.min(...timesMs) / 1000;
}

function describeError(error: number): string {
  return `it gives other numbers than the CPU, by ${error.toPrecision(2)} of the largest`;
}

function describeSpeed(speedup: number): string {
  return `it is no faster than the CPU (${speedup.toPrecision(2)} times as fast)`;
}
