// softgate train --device: what is told of the device, and what is left where it is not there.
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { makeTickets } from "../test/helpers/tickets.ts";
import { writeTinyBackbone } from "../test/helpers/tiny-backbone.ts";
import { softgate } from "./test-io.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-device-"));
  await writeTinyBackbone(join(folder, "tiny"), { layers: 1 });
  await writeFile(join(folder, "train.csv"), makeTickets({ seed: 1, rowsPerLabel: 4 }).csv);
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
  vi.stubEnv("SOFTGATE_CACHE", join(folder, "cache"));
  // No graphics card, on whatever machine this runs.
  vi.stubEnv("VK_DRIVER_FILES", join(folder, "no-driver.json"));
});

const train = (...args: string[]) => {
  const store = `file:${join(folder, "store")}`;
  const files = ["--data", join(folder, "train.csv"), "--backbone", join(folder, "tiny"), "--store", store];
  return softgate(["train", ...files, "--name", "x", "--epochs", "1", ...args]);
};

it.runIf(process.platform === "linux")(
  "a device that is not there is an error that says what is missing, before anything is trained or kept",
  async () => {
    const { exitCode, stdout, stderr } = await train("--device", "webgpu");
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toContain("no graphics card was found");
    expect(stderr).toContain("--device cpu");
    expect(stderr).not.toContain("Training:");
    const entries = await readdir(join(folder, "store"), { recursive: true, withFileTypes: true });
    expect(entries.filter((entry) => entry.isFile())).toEqual([]);
  },
);

it.runIf(process.platform === "linux")(
  "auto says in one line which device trains and why not the others; so does the report",
  async () => {
    const { exitCode, stdout, stderr } = await train("--device", "auto");
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/^Device: cpu; not cuda: .+; not webgpu: no graphics card was found\.$/m);
    expect(stdout).toMatch(/^ {2}device {8}cpu; not cuda: .+; not webgpu: no graphics card was found$/m);
  },
);

it("the CPU trains unless another is asked for", async () => {
  const { stdout } = await train("--json");
  expect(JSON.parse(stdout).report.device).toEqual({ used: "cpu" });
});
