// The door to Selective Prompt Tuning's parts as graph nodes. No native code behind it.
export { blendPrompts, gateValue, presenceBias, promptPresence, reparameterizeGates } from "./gate.ts";
export { type GeneratorTensors, generatePrompts, slotsOf } from "./prompt-generator.ts";
