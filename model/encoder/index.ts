// The door to the frozen encoder as a graph. No native code behind it.
export { encodeTexts, packedFeeds } from "./encode-texts.ts";
export {
  type BeforeLayer,
  type EncoderSource,
  encode,
  type LayerEntry,
  type LayerNorms,
  type LayerProducts,
  type LayerPrompts,
  normTensors,
  queryScale,
} from "./encoder.ts";
export { PRECISIONS, type Precision } from "./linear.ts";
export { maskScale, textFeatures } from "./mask-head.ts";
export {
  type PackedBatch,
  type Placement,
  type PromptSlots,
  packTexts,
  placePrompts,
  poolingMatrix,
  writeSlotRows,
} from "./pack.ts";
export { flattenRows } from "./pool.ts";
export { positionFeeds, positionInputs } from "./position-inputs.ts";
