// The child's side of choose-device.ts: takes one request by message, probes, answers. A graphics driver that crashes
// takes this process with it alone.
import { parseBackbone } from "#model";
import { readBackboneFolder } from "../read-backbone-folder.ts";
import type { ProbeRequest } from "./choose-device.ts";
import { type ProbeResult, probeDevice } from "./probe-device.ts";

process.once("message", async ({ device, backbone, mustBeFaster }: ProbeRequest) => {
  const parsed = parseBackbone(backbone.id, await readBackboneFolder(backbone.folder));
  const result: ProbeResult = await probeDevice(device, parsed, { mustBeFaster });
  process.send?.(result, () => process.exit());
});
// A parent that is gone has no use for the result.
process.on("disconnect", () => process.exit(1));
