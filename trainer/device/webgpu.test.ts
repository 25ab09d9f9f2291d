// Training on WebGPU, for real: onnxruntime's own, on a graphics card in software.
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { parseAdapter } from "#model";
import { findSoftwareGpu } from "../../test/helpers/software-gpu.ts";
import { makeTickets } from "../../test/helpers/tickets.ts";
import { writeTinyBackbone } from "../../test/helpers/tiny-backbone.ts";
import { trainInChild } from "../train-in-child.ts";
import type { StepCheck } from "./check-step.ts";
import { chooseDevice } from "./choose-device.ts";
import { largestError } from "./probe-device.ts";

const gpu = await findSoftwareGpu();
// Compiling the shaders of one graph takes seconds.
const SLOW = { timeout: 180_000 };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-webgpu-"));
  await writeTinyBackbone(folder, { layers: 1, width: 16, heads: 2, feedForward: 24 });
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
  for (const [name, value] of Object.entries(gpu ?? {})) vi.stubEnv(name, value);
});

describe.skipIf(gpu === undefined)("on WebGPU, a graphics card in software", () => {
  it(
    "a step's loss and gradients are the CPU's to 1e-4, and those of finite differences to 1 %",
    SLOW,
    async () => {
      const program = fileURLToPath(new URL("./check-step.ts", import.meta.url));
      const { stdout } = await promisify(execFile)(process.execPath, [program, "webgpu", folder]);
      const { error, slope }: StepCheck = JSON.parse(stdout);
      expect(error).toBeLessThan(1e-4);
      // Other kernels than the CPU's: where all numbers are the very same, the CPU has run them.
      expect(error).toBeGreaterThan(0);
      expect(Math.abs(slope.numeric / slope.analytic - 1)).toBeLessThan(0.01);
    },
  );

  it(
    "training works where it is asked for by name, and gives the scores of the CPU's to 1 %",
    SLOW,
    async () => {
      const backbone = { id: "tiny", folder };
      const device = await chooseDevice("webgpu", { backbone });
      const { csv } = makeTickets({ seed: 1, rowsPerLabel: 4 });
      const request = {
        ...{ backboneFolder: folder, backboneId: "tiny", options: { seed: 3, epochs: 1 } },
        dataset: { content: Buffer.from(csv), fileName: "tickets.csv", mediaType: "text/csv" as const },
      };
      const onGpu = await trainInChild({ ...request, device });
      const onCpu = await trainInChild(request);
      expect(onGpu.report.device).toEqual({ used: "webgpu" });
      expect(onCpu.report.device).toEqual({ used: "cpu" });
      const headOf = ({ files }: typeof onGpu) => parseAdapter(files).head.weight_CD;
      const error = largestError({ head: headOf(onCpu) }, { head: headOf(onGpu) });
      expect(error).toBeLessThan(0.01);
    },
  );

  it("auto passes it over, as it is no faster than the CPU", SLOW, async () => {
    const { used, passedOver } = await chooseDevice("auto", { backbone: { id: "tiny", folder } });
    expect(used).toBe("cpu");
    expect(passedOver).toContainEqual({
      device: "webgpu",
      reason: expect.stringContaining("no faster than the CPU"),
    });
  });
});
