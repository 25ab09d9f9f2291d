// What a start is compared with: a script that loads the backbone's graph in onnxruntime and runs it once.
import { readFileSync } from "node:fs";
// biome-ignore lint/style/noRestrictedImports: it is what a program without Softgate would be.
import { InferenceSession, Tensor } from "onnxruntime-node";

const [model, feedsFile] = process.argv.slice(2);
const session = await InferenceSession.create(model);
const feeds = Object.entries(JSON.parse(readFileSync(feedsFile, "utf8"))).map(
  ([name, { type, data, shape }]) => [
    name,
    new Tensor(type, type === "int32" ? Int32Array.from(data) : Float32Array.from(data), shape),
  ],
);
await session.run(Object.fromEntries(feeds), ["features"]);
console.log("done");
