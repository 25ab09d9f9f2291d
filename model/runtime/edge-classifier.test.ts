// In Node, whose WebAssembly is a Worker's too; test/edge.test.ts is in workerd.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeRandomAdapter } from "../../test/helpers/random-adapter.ts";
import { makeTinyBackbone, type TinyBackboneOptions } from "../../test/helpers/tiny-backbone.ts";
import { TINY_WORDS } from "../../test/helpers/tiny-tokenizer.ts";
import { type Backbone, parseBackbone } from "../backbone.ts";
import { serializeGraph } from "../graph/serialize.ts";
import { roundToHalf } from "../safetensors/read-tensor.ts";
import type { Adapter } from "../spt/adapter.ts";
import { DEFAULT_TEMPLATES } from "../template.ts";
import type { Classifier } from "./classifier.ts";
import { createClassifier } from "./create-classifier.ts";
import { EDGE_BACKBONE_VERSION, type EdgeSource, parseEdgeBackbone } from "./edge-backbone.ts";
import { createEdgeClassifier } from "./edge-classifier.ts";
import { servingGraph } from "./serving-graph.ts";
import { writeEdgeBackbone } from "./write-edge-backbone.ts";

const LAYERS = 3;
const ADAPTERS = 6;
/** Sums of float32 in another order move a state over the edge of a rounding now and then. */
const SCORE_TOLERANCE = 5e-3;

const wasmFile = fileURLToPath(import.meta.resolve("onnxruntime-web/ort-wasm-simd-threaded.wasm"));
const host = globalThis as unknown as {
  WebAssembly: { Module: new (bytes: Uint8Array) => WebAssembly.Module };
};
const wasm = new host.WebAssembly.Module(readFileSync(wasmFile));
const texts = Array.from({ length: 7 }, (_, text) =>
  Array.from({ length: 1 + 5 * text }, (_, at) => TINY_WORDS[(text * 5 + at * 3) % TINY_WORDS.length]).join(
    " ",
  ),
);

function anAdapter(seed: number, { config }: Backbone): Adapter {
  const generators = Array.from({ length: LAYERS }, (_, layer) => ({
    layer,
    pooling: (seed + layer) % 2 === 0 ? ("mean" as const) : ("slots" as const),
    promptTokens: 1 + ((seed + 2 * layer) % 4),
    bottleneck: 2 + seed,
  })).filter(({ layer }) => seed % 2 ** (layer + 1) >= 2 ** layer);
  const scaleShift = [0, 1, 2].filter((layer) => (seed + layer) % 3 === 1);
  const lowRank = [0, 1, 2]
    .filter((layer) => (seed + layer) % 3 === 0)
    .map((layer) => ({ layer, rank: 1 + ((seed + layer) % 9) }));
  const adapter = makeRandomAdapter({
    ...{ width: config.width, seed, classes: 2 + seed, generators },
    ...{ scaleShift, lowRank },
  });
  return config.pooling === "mask" ? { ...adapter, template: DEFAULT_TEMPLATES.single } : adapter;
}

async function writeTiny(options: TinyBackboneOptions): Promise<{ backbone: Backbone; source: EdgeSource }> {
  const files = makeTinyBackbone({ layers: LAYERS, ...options });
  const backbone = parseBackbone("owner/tiny", files);
  return { backbone, source: await writeEdgeBackbone(backbone, files) };
}

describe.each<TinyBackboneOptions>([
  { family: "bert" },
  { family: "mpnet" },
  { family: "bert", maskHead: true },
])("on %j", (options) => {
  let edge: Classifier;
  let node: Classifier;
  let adapters: readonly Adapter[];

  beforeAll(async () => {
    const { backbone, source } = await writeTiny(options);
    adapters = Array.from({ length: ADAPTERS }, (_, seed) => anAdapter(seed, backbone));
    edge = await createEdgeClassifier(parseEdgeBackbone(source), wasm);
    const weights = {
      ...backbone.weights,
      tokenEmbedding_VD: roundToHalf(backbone.weights.tokenEmbedding_VD),
    };
    node = await createClassifier({ ...backbone, weights }, { threads: 1, sessions: 1, precision: "int8" });
  });
  afterAll(async () => {
    await edge?.close();
    await node?.close();
  });

  it("any mix of adapters in one pass has the scores of native int8 on the same words", async () => {
    const ask = (classifier: Classifier) =>
      Promise.all(
        adapters.map((adapter, index) =>
          classifier.classify(
            { tenant: `tenant ${index % 2}`, digest: `${index}`, load: async () => adapter },
            texts,
          ),
        ),
      );
    const [ofEdge, ofNode] = [(await ask(edge)).flat(), (await ask(node)).flat()];
    expect(ofEdge).toHaveLength(ADAPTERS * texts.length);
    for (const [index, { scores_C }] of ofEdge.entries()) {
      for (const [label, score] of scores_C.entries()) {
        expect(Math.abs(score - (ofNode[index]?.scores_C[label] ?? Number.NaN))).toBeLessThan(
          SCORE_TOLERANCE,
        );
      }
    }
  });
});

describe("what was written for the edge", () => {
  it("is refused when a file is missing, or has words of another width", async () => {
    const { source } = await writeTiny({});
    const { "graph.onnx": graph, ...others } = source.files;
    const parse = (files: EdgeSource["files"]) => () => parseEdgeBackbone({ ...source, files });
    expect(parse(others)).toThrow("graph.onnx is missing");
    expect(parse({ ...source.files, "words.bin": new Uint8Array(2) })).toThrow("words.bin has 2 bytes");
    const facts = { ...source.facts, edgeVersion: "0" };
    expect(() => parseEdgeBackbone({ ...source, facts })).toThrow("written by another version of Softgate");
    expect(graph?.byteLength).toBeGreaterThan(0);
  });

  // Not a golden number of the graph: change it at will, but raise EDGE_BACKBONE_VERSION with it.
  it("whoever changes its graph raises its version", () => {
    const hash = createHash("sha256");
    for (const family of ["bert", "roberta", "mpnet"] as const) {
      const backbone = parseBackbone("tiny", makeTinyBackbone({ family }));
      const graph = servingGraph({ ...backbone, precision: "int8", wordsAreGiven: true });
      hash.update(serializeGraph(graph));
    }
    const graphs = hash.digest("hex").slice(0, 16);
    expect({ version: EDGE_BACKBONE_VERSION, graphs }).toEqual({ version: "2", graphs: "111c421dc158942a" });
  });
});
