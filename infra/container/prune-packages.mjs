// In an image: leaves of the installed packages what its own platform runs. onnxruntime brings five platforms along.
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

const packages = "node_modules";
const bindings = join(packages, "onnxruntime-node/bin/napi-v6");

for (const platform of readdirSync(bindings)) {
  for (const architecture of readdirSync(join(bindings, platform))) {
    if (platform === process.platform && architecture === process.arch) continue;
    rmSync(join(bindings, platform, architecture), { recursive: true });
  }
}
for (const { name, parentPath } of readdirSync(packages, { recursive: true, withFileTypes: true })) {
  if (/\.(map|d\.[cm]?ts)$/.test(name)) rmSync(join(parentPath, name));
}
