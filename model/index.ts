// The light door of the model room: what an adapter and a backbone are. No native code behind it.
export type { InsertionConfig } from "./adapter-config.ts";
export { type AdapterFiles, parseAdapter, serializeAdapter } from "./adapter-file.ts";
export { type Backbone, type BackboneFiles, parseBackbone, TEXT_TOKENS_MAX } from "./backbone.ts";
export { DEVICE_CHOICES, DEVICES, type Device, type DeviceChoice } from "./device.ts";
export type { EncoderConfig } from "./encoder/config.ts";
export { int8Digest } from "./encoder/int8-digest.ts";
export { choosePrecision, PRECISION_CHOICES, type PrecisionChoice } from "./encoder/linear.ts";
export { ModelError, type ModelErrorCode, OverloadError } from "./errors.ts";
export { indexOfLargest, largest } from "./largest.ts";
export { featureWidth, PAIR_WEIGHTS, type PairMode, pairFeatures } from "./pair-features.ts";
export { type AdapterClaims, parsePublishedAdapter } from "./published-adapter.ts";
export { assertFits } from "./runtime/adapter-cache.ts";
export {
  ADAPTER_MEMORY_BYTES_DEFAULT,
  ADAPTER_RESIDENT_BYTES_DEFAULT,
  CLASSIFY_MS_DEFAULT,
  CLASSIFY_MS_MAX,
} from "./runtime/limits.ts";
export type { ClassifyPhase, RequestObserver, RuntimeObserver } from "./runtime/observer.ts";
export { roundToHalf } from "./safetensors/read-tensor.ts";
export { serializeSafetensors, type TensorToWrite } from "./safetensors/serialize.ts";
export { transpose } from "./safetensors/transpose.ts";
export {
  type Adapter,
  BOTTLENECK_MAX,
  type GeneratorPooling,
  type Head,
  INSERTION_KINDS,
  type Insertion,
  isLowRank,
  isPromptGenerator,
  isScaleShift,
  LABELS_MAX,
  type LowRank,
  layersOf,
  type OutOfScope,
  PRODUCT_SITES,
  PROMPT_TOKENS_MAX,
  type PromptGenerator,
  type ScaleShift,
  shapeOfInsertion,
  weightsOfInsertion,
} from "./spt/adapter.ts";
export { checkTemplate, DEFAULT_TEMPLATES, isPairTemplate } from "./template.ts";
export type { Encoding, TextInput, TextPair, Tokenizer } from "./tokenizer/tokenizer.ts";
