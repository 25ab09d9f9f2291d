// The door to graphs: the trainer builds on the same ops as the encoder. No native code behind it.
export { type Graph, GraphBuilder, type GraphNode, type Tensor } from "./builder.ts";
export { type Attributes, type Dimension, type FloatType, must, type OpName, type Shape } from "./ops.ts";
export { serializeGraph } from "./serialize.ts";
