// Why a device is not there, in words, and what to do about it. Reasons name no path: they are in reports, which tenants
// read; remedies are for who started the program.
import { basename, dirname } from "node:path";
import type { Device } from "#model";
import type { lackOf } from "#model/runtime/session";

export interface Absence {
  readonly reason: string;
  readonly remedy?: string;
}

export function explainLack(lack: NonNullable<ReturnType<typeof lackOf>>): Absence {
  if (lack === "not_built") return { reason: `onnxruntime has none for ${process.platform} ${process.arch}` };
  const folder = dirname(lack.libraryPath);
  return {
    reason: `its library ${basename(lack.libraryPath)} is not there`,
    remedy: `It belongs into ${folder}; docs/how-to/device.md says how to fetch it.`,
  };
}

/** From what onnxruntime says when it cannot create a session. */
export function explainAbsence(device: Device, error: unknown): Absence {
  const detail = error instanceof Error ? error.message : String(error);
  if (device === "webgpu" && detail.includes("WebGPU adapter")) {
    return {
      reason: "no graphics card was found",
      remedy:
        "Linux looks for it by Vulkan: install libvulkan.so.1 (Debian: libvulkan1) and the card's driver (mesa-vulkan-drivers, or NVIDIA's).",
    };
  }
  if (device === "cuda" && detail.includes("load shared library")) {
    return {
      reason: "its library could not be loaded",
      remedy:
        "It needs the NVIDIA driver, and CUDA's libraries of its version (13 for the one of PyPI) where the loader finds them (LD_LIBRARY_PATH).",
    };
  }
  // The first of many lines says what, some after a path of the machine that onnxruntime was built on.
  const [line = ""] = detail.trim().split("\n");
  return { reason: `onnxruntime says: ${line.replace(/^\/\S+ /, "").slice(0, REASON_CHARACTERS_MAX)}` };
}

const REASON_CHARACTERS_MAX = 200;
