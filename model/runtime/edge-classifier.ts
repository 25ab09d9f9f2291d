// A classifier in one thread and little memory, as hosts of Workers give: one session in WebAssembly, in int8.
import { Classifier, type ClassifierLimits } from "./classifier.ts";
import type { EdgeBackbone } from "./edge-backbone.ts";
import { EdgeSession } from "./edge-session.ts";
import { newOwnFloats } from "./shared-floats.ts";
import { WasmSession } from "./wasm-session.ts";

/** Of adapters in the slabs; they themselves take as much again. */
export const EDGE_ADAPTER_BYTES_MAX = 4 * 1024 * 1024;

/** Their tokens are in memory too. */
const QUEUED_TEXTS_MAX = 1_024;
/** Of a pass: what a session computes with grows with it, and larger ones gain nothing here. */
const PASS_TOKENS_MAX = 256;

/** Rejects where the session cannot be loaded. `wasm`: see WasmSession.load. */
export async function createEdgeClassifier(
  backbone: EdgeBackbone,
  wasm: WebAssembly.Module,
  limits: ClassifierLimits = {},
): Promise<Classifier> {
  // Apart, so that what a classifier keeps holds no weights that the session has copied.
  const { graph, graphWeights, words_VD, ...kept } = backbone;
  const open = async () => {
    const weights = { name: "weights.bin", bytes: graphWeights };
    return new EdgeSession(await WasmSession.load({ graph, weights }, wasm), {
      config: kept.config,
      words_VD,
    });
  };
  return Classifier.open(
    kept,
    { precision: "int8", open, sessions: 1, newFloats: newOwnFloats, passTokensMax: PASS_TOKENS_MAX },
    {
      adapterCacheBytesMax: EDGE_ADAPTER_BYTES_MAX,
      adapterMemoryBytesMax: 0,
      queuedTextsMax: QUEUED_TEXTS_MAX,
      ...limits,
    },
  );
}
