// The door of the mixed-adapter classifier and its sessions in threads: onnxruntime itself is loaded there alone.
export { AdapterCache, type ResidentAdapter } from "./adapter-cache.ts";
export { type BatchItem, batchFeeds } from "./batch-feeds.ts";
export type { AdapterHandle, Classification, Classifier } from "./classifier.ts";
export { type ClassifierOptions, createClassifier } from "./create-classifier.ts";
export type { LayerNormWeights } from "./norms-file.ts";
export { planSessions, type SessionCounts } from "./plan-sessions.ts";
export { GRAPH_FILE, preparedAs } from "./prepared-as.ts";
export {
  PREPARED_FILES,
  type PreparedBackbone,
  parsePrepared,
  writePrepared,
} from "./prepared-backbone.ts";
export { servingGraph } from "./serving-graph.ts";
export type { Feed, SessionOptions } from "./session.ts";
export { ThreadSession } from "./thread-session.ts";
export { writeEdgeBackbone } from "./write-edge-backbone.ts";
