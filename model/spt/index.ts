// The door to Selective Prompt Tuning's parts as graph nodes. No native code behind it.
export { type GeneratorTensors, generatePrompts, slotsOf } from "./prompt-generator.ts";
