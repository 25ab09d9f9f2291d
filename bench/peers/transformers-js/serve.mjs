// One peer of `npm run bench -- serve`: @huggingface/transformers as its documentation shows it, feature
// extraction with mean pooling, then each text's own head. Prints "ready", then "done" for each line "run".
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { env, pipeline } from "@huggingface/transformers";

const [models, model, textsFile, classes, threads] = process.argv.slice(2);
env.localModelPath = models;
env.allowRemoteModels = false;
const texts = JSON.parse(readFileSync(textsFile, "utf8"));
const session_options = threads === "0" ? {} : { intraOpNumThreads: Number(threads) };
const extract = await pipeline("feature-extraction", model, {
  dtype: "fp32",
  device: "cpu",
  session_options,
});

async function run() {
  const { data, dims } = await extract(texts, { pooling: "mean", normalize: true });
  const width = dims[1];
  return texts.map((_, text) => scores(data.subarray(text * width, (text + 1) * width), heads[text]));
}

function scores(vector, head) {
  const logits = Array.from({ length: Number(classes) }, (_, label) =>
    vector.reduce((sum, value, d) => sum + value * head[label * vector.length + d], 0),
  );
  const top = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - top));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

const { dims } = await extract(texts.slice(0, 1), { pooling: "mean" });
const heads = texts.map(() =>
  Float32Array.from({ length: Number(classes) * dims[1] }, () => Math.random() - 0.5),
);
console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  if (line !== "run") continue;
  await run();
  console.log("done");
}
