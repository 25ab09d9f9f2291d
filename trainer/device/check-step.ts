// One training step on a device against the CPU, and against finite differences of the device's own loss. A program, as
// a graphics driver must be named before the process starts; used by tests only.
//
//   node trainer/device/check-step.ts webgpu FOLDER-OF-A-BACKBONE
import { type Device, parseBackbone } from "#model";
import { must } from "#model/graph";
import { Session } from "#model/runtime/session";
import { readBackboneFolder } from "../read-backbone-folder.ts";
import type { Feeds } from "../spt/batch-inputs.ts";
import { gradientOutput } from "../spt/spt-graph.ts";
import { largestError } from "./probe-device.ts";
import { trainingStep } from "./training-step.ts";

export interface StepCheck {
  /** Of the largest number of each output: loss and gradients. */
  readonly error: number;
  /** Along the gradient of all inputs together: its length, and what the device's loss does. */
  readonly slope: { readonly analytic: number; readonly numeric: number };
}

const [device, folder] = process.argv.slice(2);
process.stdout.write(JSON.stringify(await checkStep(device as Device, must(folder, "folder"))));

async function checkStep(on: Device, backboneFolder: string): Promise<StepCheck> {
  const backbone = parseBackbone("checked", await readBackboneFolder(backboneFolder));
  // The loss output is the cross-entropy alone.
  const { graph, feeds, outputs } = await trainingStep(backbone, { contrastive: false });
  const cpu = await Session.create(graph);
  const other = await Session.create(graph, { device: on });
  const results = await other.run(feeds, outputs);
  const error = largestError(await cpu.run(feeds, outputs), results);
  const gradients = new Map(
    Object.keys(feeds)
      .filter((input) => outputs.includes(gradientOutput(input)))
      .map((input) => [input, must(results[gradientOutput(input)], input)]),
  );
  return { error, slope: await slopeAlong(other, feeds, gradients) };
}

/** Of the loss in float32, so the step is large: over it the loss is to change by a fiftieth. */
async function slopeAlong(
  session: Session,
  feeds: Feeds,
  gradients: ReadonlyMap<string, Float32Array>,
): Promise<StepCheck["slope"]> {
  const analytic = Math.hypot(...[...gradients.values()].flatMap((gradient) => [...gradient]));
  const lossAt = async (by: number) => {
    const moved = [...gradients].map(([input, gradient]) => {
      const { data, shape } = must(feeds[input], input);
      const values = Float32Array.from(data, (value, i) => value + (by * (gradient[i] ?? 0)) / analytic);
      return [input, { data: values, shape }] as const;
    });
    const { loss } = await session.run({ ...feeds, ...Object.fromEntries(moved) }, ["loss"]);
    return must(loss[0], "loss");
  };
  const step = 0.02 / analytic;
  return { analytic, numeric: ((await lossAt(step)) - (await lossAt(-step))) / (2 * step) };
}
