import { expect, it, vi } from "vitest";
import { parseBackbone } from "#model";
import type { Graph } from "#model/graph";
import { Session, type SessionOptions } from "#model/runtime/session";
import { makeTickets } from "../../test/helpers/tickets.ts";
import { makeTinyBackbone } from "../../test/helpers/tiny-backbone.ts";
import { parseDataset } from "../dataset/parse.ts";
import { train } from "../train.ts";

const backbone = parseBackbone("tiny", makeTinyBackbone({ layers: 1 }));
const createSession = Session.create.bind(Session);

async function request() {
  const csv = Buffer.from(makeTickets({ seed: 1, rowsPerLabel: 4 }).csv);
  const file = { fileName: "tickets.csv", mediaType: "text/csv" as const, forTraining: true };
  const dataset = await parseDataset(csv, file);
  return { backbone, dataset, options: { seed: 1, method: "spt" as const, epochs: 1 } };
}

it("all of search, tuning and frozen vectors is on the device, and heads in float64 are on the CPU", async () => {
  const created: { graph: Graph; options: SessionOptions }[] = [];
  vi.spyOn(Session, "create").mockImplementation((graph, options = {}) => {
    created.push({ graph, options });
    return createSession(graph, {});
  });
  const { report } = await train({ ...(await request()), device: { used: "webgpu" } });
  expect(report.device).toEqual({ used: "webgpu" });
  const devicesOf = (floatType: Graph["floatType"]) =>
    created.filter(({ graph }) => graph.floatType === floatType).map(({ options }) => options.device);
  // Frozen vectors, frozen states, search, gradients, tuned vectors.
  expect(devicesOf("float32").length).toBeGreaterThanOrEqual(5);
  expect(new Set(devicesOf("float32"))).toEqual(new Set(["webgpu"]));
  expect(new Set(devicesOf("float64"))).toEqual(new Set([undefined]));
});

it.runIf(process.platform === "linux")(
  "a training on a device that is not there fails, and does not go on with the CPU",
  async () => {
    vi.stubEnv("VK_DRIVER_FILES", "/no-driver.json");
    await expect(train({ ...(await request()), device: { used: "webgpu" } })).rejects.toThrow("WebGPU");
  },
);
