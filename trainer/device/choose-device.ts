// Which device trainings run on: the one asked for by name, or with "auto" the first that is there, gives the CPU's
// numbers and is faster. Each is tried in a process of its own, so that no driver harms the caller.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Device, DeviceChoice } from "#model";
import { TrainerError } from "../errors.ts";
import type { DeviceReport } from "../report.ts";
import type { ProbeResult } from "./probe-device.ts";

export interface ProbeRequest {
  readonly device: Device;
  readonly backbone: { readonly id: string; readonly folder: string };
  readonly mustBeFaster: boolean;
}

export interface ChooseDeviceOptions {
  readonly backbone: ProbeRequest["backbone"];
  /** Default: in a child process. */
  readonly probe?: (request: ProbeRequest, signal?: AbortSignal) => Promise<ProbeResult>;
  /** Aborting ends the trial; the call rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** The likelier fast one first. */
const ACCELERATORS: readonly Device[] = ["cuda", "webgpu"];

/** Compiling a step's shaders takes seconds, in software a minute. */
const PROBE_MS_MAX = 120_000;

/** Throws TrainerError device_unavailable for a device that was asked for by name and cannot train here. */
export async function chooseDevice(
  choice: DeviceChoice,
  { backbone, probe = probeInChild, signal }: ChooseDeviceOptions,
): Promise<DeviceReport> {
  if (choice === "cpu") return { used: "cpu" };
  // These two alone: callers hold the weights beside them, which no message can carry.
  const { id, folder } = backbone;
  const tryOut = async (device: Device, mustBeFaster: boolean) => {
    const result = await probe({ device, backbone: { id, folder }, mustBeFaster }, signal);
    signal?.throwIfAborted();
    return result;
  };
  if (choice !== "auto") {
    const result = await tryOut(choice, false);
    if (result.works) return { used: choice };
    const { reason, remedy } = result;
    const message = `The device ${choice} cannot be trained on: ${reason}. ${remedy ? `${remedy} ` : ""}Or train with --device cpu.`;
    throw new TrainerError("device_unavailable", message);
  }
  const passedOver: { device: Device; reason: string }[] = [];
  for (const device of ACCELERATORS) {
    const result = await tryOut(device, true);
    if (result.works) return { used: device, ...withSpeedup(result), passedOver };
    passedOver.push({ device, reason: result.reason });
  }
  return { used: "cpu", passedOver };
}

function withSpeedup({ speedup }: { speedup?: number }) {
  return speedup === undefined ? {} : { speedup };
}

/** Never rejects: what becomes of the child is the result. */
function probeInChild(request: ProbeRequest, signal?: AbortSignal): Promise<ProbeResult> {
  const startedAtMs = performance.now();
  const child = fork(fileURLToPath(new URL("./probe-child.ts", import.meta.url)), {
    execArgv: ["--disable-warning=ExperimentalWarning"],
    // What native code says of what it does not find.
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    timeout: PROBE_MS_MAX,
    killSignal: "SIGKILL",
    ...(signal && { signal }),
  });
  return new Promise((resolve) => {
    const fail = (reason: string) => resolve({ works: false, reason });
    child.on("message", (result: ProbeResult) => resolve(result));
    child.on("error", (error) => fail(`its trial could not be started (${error.message})`));
    child.on("exit", (code, endedBy) => {
      const isLate = endedBy === "SIGKILL" && performance.now() - startedAtMs >= PROBE_MS_MAX;
      const late = `its trial was not done after ${PROBE_MS_MAX / 1_000} seconds; on a busy machine it may be later`;
      fail(isLate ? late : `its trial ended with ${endedBy ?? `status ${code}`}`);
    });
    child.send(request, (error) => error && fail(`its trial did not begin (${error.message})`));
  });
}
