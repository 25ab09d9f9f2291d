import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { lackOf } from "#model/runtime/session";
import { writeTinyBackbone } from "../../test/helpers/tiny-backbone.ts";
import { chooseDevice, type ProbeRequest } from "./choose-device.ts";
import { describeDevice } from "./describe-device.ts";
import { largestError, type ProbeResult } from "./probe-device.ts";

const backbone = { id: "tiny", folder: "/nowhere" };

/** Devices and what becomes of their trials; others are an error. */
const trials = (results: Record<string, ProbeResult>) =>
  vi.fn(async ({ device }: ProbeRequest) => results[device] ?? expect.unreachable(device));

describe("chooseDevice", () => {
  it("tries nothing for the CPU", async () => {
    const probe = trials({});
    expect(await chooseDevice("cpu", { backbone, probe })).toEqual({ used: "cpu" });
    expect(probe).not.toHaveBeenCalled();
  });

  it("takes a device asked for by name that works, however slow, and no other", async () => {
    const probe = trials({ webgpu: { works: true } });
    expect(await chooseDevice("webgpu", { backbone, probe })).toEqual({ used: "webgpu" });
    const request = { device: "webgpu", backbone, mustBeFaster: false };
    expect(probe).toHaveBeenCalledExactlyOnceWith(request, undefined);
  });

  it("hands a trial no more of the backbone than where it is", async () => {
    const probe = trials({ webgpu: { works: true } });
    await chooseDevice("webgpu", {
      backbone: { ...backbone, weights: new Float32Array(4) } as typeof backbone,
      probe,
    });
    expect(probe.mock.calls[0]?.[0].backbone).toEqual(backbone);
  });

  it("refuses one that does not, with what is missing and what to do", async () => {
    const probe = trials({ cuda: { works: false, reason: "its library is not there", remedy: "Fetch it." } });
    await expect(chooseDevice("cuda", { backbone, probe })).rejects.toMatchObject({
      code: "device_unavailable",
      publicMessage:
        "The device cuda cannot be trained on: its library is not there. Fetch it. Or train with --device cpu.",
    });
  });

  it("auto takes the first that works and is faster, and says why not those before it", async () => {
    const probe = trials({
      cuda: { works: false, reason: "its library is not there", remedy: "Fetch it." },
      webgpu: { works: true, speedup: 3.16227 },
    });
    const device = await chooseDevice("auto", { backbone, probe });
    expect(device).toEqual({
      ...{ used: "webgpu", speedup: 3.16227 },
      passedOver: [{ device: "cuda", reason: "its library is not there" }],
    });
    expect(probe.mock.calls.every(([{ mustBeFaster }]) => mustBeFaster)).toBe(true);
    expect(describeDevice(device)).toBe(
      "webgpu, 3.2 times as fast as the CPU in a trial; not cuda: its library is not there",
    );
  });

  it("auto is the CPU where no other is better", async () => {
    const reason = "it is no faster than the CPU (0.5 times as fast)";
    const probe = trials({ cuda: { works: false, reason: "none" }, webgpu: { works: false, reason } });
    const device = await chooseDevice("auto", { backbone, probe });
    expect(describeDevice(device)).toBe(`cpu; not cuda: none; not webgpu: ${reason}`);
  });
});

describe("a trial in a child process", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "softgate-device-"));
    await writeTinyBackbone(folder, { layers: 1 });
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("finds no graphics card where Vulkan has none, and says how to get one", async () => {
    vi.stubEnv("VK_DRIVER_FILES", join(folder, "no-driver.json"));
    const error = await chooseDevice("webgpu", { backbone: { id: "tiny", folder } }).catch((e) => e);
    expect(error).toMatchObject({ code: "device_unavailable" });
    expect(error.message).toContain("no graphics card was found");
    if (process.platform === "linux") expect(error.message).toContain("libvulkan1");
  });

  it.skipIf(lackOf("cuda") === undefined)("names the library of CUDA that is not there", async () => {
    const error = await chooseDevice("cuda", { backbone: { id: "tiny", folder } }).catch((e) => e);
    expect(error).toMatchObject({ code: "device_unavailable" });
    const lack = lackOf("cuda");
    expect(error.message).toContain(
      typeof lack === "object" ? "libonnxruntime_providers_cuda.so is not there" : "onnxruntime has none for",
    );
  });

  it("that dies says so, and auto goes on", async () => {
    const { used, passedOver } = await chooseDevice("auto", { backbone });
    expect(used).toBe("cpu");
    expect(passedOver).toContainEqual({ device: "webgpu", reason: "its trial ended with status 1" });
  });
});

describe("an interrupted trial", () => {
  it("is the interruption, not a device that is not there", async () => {
    const controller = new AbortController();
    const reason = new Error("Interrupted.");
    const choosing = chooseDevice("webgpu", { backbone, signal: controller.signal });
    controller.abort(reason);
    await expect(choosing).rejects.toBe(reason);
  });
});

describe("largestError", () => {
  it("is of the largest number of each output, whichever is worst", () => {
    const expected = { loss: [100], gradient: [0.001, -0.004] };
    expect(largestError(expected, { loss: [101], gradient: [0.001, -0.004] })).toBeCloseTo(0.01);
    expect(largestError(expected, { loss: [100], gradient: [0.002, -0.004] })).toBeCloseTo(0.25);
  });

  it("is no number where one is none, or is missing", () => {
    expect(largestError({ loss: [1, 2] }, { loss: [1, Number.NaN] })).toBeNaN();
    expect(largestError({ loss: [1, 2] }, { loss: [1] })).toBeNaN();
  });
});
