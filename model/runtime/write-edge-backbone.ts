// Writes a backbone for the edge: see edge-backbone.ts. Its int8 weights are those of every other host.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Backbone, BackboneFiles } from "../backbone.ts";
import { int8Digest } from "../encoder/int8-digest.ts";
import { EDGE_BACKBONE_VERSION, type EdgeFacts, type EdgeFiles, type EdgeSource } from "./edge-backbone.ts";
import { NORMS_FILE, serializeNorms } from "./norms-file.ts";
import { servingGraph } from "./serving-graph.ts";
import { ThreadSession } from "./thread-session.ts";

/** What parseEdgeBackbone takes. `source`: the two files that the edge reads as they are. Takes seconds. */
export async function writeEdgeBackbone(
  { id, digest, config, weights }: Backbone,
  source: Pick<BackboneFiles, "config" | "tokenizer">,
): Promise<EdgeSource & { readonly files: EdgeFiles }> {
  const words = new Float16Array(weights.tokenEmbedding_VD);
  const files = {
    ...(await optimizedGraph({ config, weights })),
    "words.bin": new Uint8Array(words.buffer),
    [NORMS_FILE]: new Uint8Array(serializeNorms(weights.layers, config.width)),
    "config.json": new Uint8Array(source.config),
    "tokenizer.json": new Uint8Array(source.tokenizer),
  };
  const { pooling } = config;
  const facts: EdgeFacts = { edgeVersion: EDGE_BACKBONE_VERSION, pooling, int8Digest: int8Digest(weights) };
  return { id, digest, facts, files };
}

async function optimizedGraph(source: Pick<Backbone, "config" | "weights">) {
  const folder = await mkdtemp(join(tmpdir(), "softgate-edge-"));
  try {
    const graph = servingGraph({ ...source, precision: "int8", wordsAreGiven: true });
    const path = join(folder, "graph.onnx");
    await ThreadSession.optimize(graph, { path, weightsName: "weights.bin", isPortable: true });
    const read = async (file: string) => new Uint8Array(await readFile(file));
    return { "graph.onnx": await read(path), "weights.bin": await read(join(folder, "weights.bin")) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
