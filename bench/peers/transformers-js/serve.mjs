// One peer of `npm run bench -- serve`: @huggingface/transformers as its documentation shows it, feature
// extraction with mean pooling, then each text's own head. Prints "ready", then "done" for each line "run together" or "run sorted".
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { env, pipeline } from "@huggingface/transformers";

const SORTED_BATCH = 16;

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

async function run(batches) {
  const all = [];
  for (const batch of batches) {
    const { data, dims } = await extract(
      batch.map((text) => texts[text]),
      { pooling: "mean", normalize: true },
    );
    const width = dims[1];
    batch.forEach((text, row) => {
      all[text] = scores(data.subarray(row * width, (row + 1) * width), heads[text]);
    });
  }
  return all;
}

/** Indices of texts, neighbours in length together. Sorting is not timed. */
function sortedBatches() {
  const order = texts.map((_, text) => text).sort((a, b) => texts[a].length - texts[b].length);
  return Array.from({ length: Math.ceil(order.length / SORTED_BATCH) }, (_, batch) =>
    order.slice(batch * SORTED_BATCH, (batch + 1) * SORTED_BATCH),
  );
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
const batchesOf = { together: [texts.map((_, text) => text)], sorted: sortedBatches() };
console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const batches = batchesOf[line.replace("run ", "")];
  if (!batches) continue;
  await run(batches);
  console.log("done");
}
