// The door of the classifier at the edge: no threads, no files, no native code.
export { parseEdgeBackbone } from "./edge-backbone.ts";
export { createEdgeClassifier } from "./edge-classifier.ts";
export { WasmSession } from "./wasm-session.ts";
