// The door of the trainer: native code behind it.
export { FrozenEncoder } from "./frozen-encoder.ts";
export { fitLogisticRegression } from "./head/fit-logistic-regression.ts";
export { embedInputs } from "./pair-mode.ts";
export { createRandom, shuffle } from "./random.ts";
export { type Ablation, settingsFor } from "./settings.ts";
export { TRAINED_RANK } from "./spt/insertions.ts";
export { type TrainRequest, type TrainResult, train } from "./train.ts";
export { type ChildTrainRequest, type ChildTrainResult, trainInChild } from "./train-in-child.ts";
export { MASK_REGULARIZATION_C } from "./verbalizer.ts";
