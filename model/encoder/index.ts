// The door to the frozen encoder as a graph. No native code behind it.
export { embedTokens, encode, HIDDEN_KEY_BIAS, type LayerEntry } from "./encoder.ts";
export { type PackedBatch, type Placement, packTexts, poolingMatrix, writeSlotRows } from "./pack.ts";
export { flattenRows, poolTexts, unitLength } from "./pool.ts";
