// Graph → ONNX model bytes (opset 20, https://onnx.ai/onnx/repo-docs/IR.html). One lowering per op of
// the table: most are ONNX ops of the same name; the rest are a few nodes each.
import type { Constant, Graph, GraphNode, Tensor } from "./builder.ts";
import type { Attributes, ElementType, FloatType, OpName, TensorType } from "./ops.ts";
import { must, UINT8_MAX } from "./ops.ts";
import { ProtobufWriter } from "./protobuf.ts";

const IR_VERSION = 9;
const OPSET_VERSION = 20;
/** Kernels of onnxruntime beyond ONNX: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md */
const CONTRIB_DOMAIN = "com.microsoft";
const CONTRIB_VERSION = 1;

const typeCodes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float64: 11,
} satisfies Record<ElementType, number>;

/** Bytes of a model for onnxruntime. Outputs carry the names given to GraphBuilder.output. */
export function serializeGraph(graph: Graph): Uint8Array {
  return modelProto(graph).finish();
}

/**
 * The same bytes in pieces, among them views on the graph's constants: nothing large is copied. `metadata` becomes
 * the model's metadata_props.
 */
export function serializeInPieces(
  graph: Graph,
  metadata: Readonly<Record<string, string>>,
): { readonly bytes: number; readonly pieces: readonly Uint8Array[] } {
  const model = modelProto(graph);
  for (const [key, value] of Object.entries(metadata)) {
    model.message(14, new ProtobufWriter().string(1, key).string(2, value));
  }
  return { bytes: model.bytesWritten, pieces: model.pieces };
}

function modelProto(graph: Graph): ProtobufWriter {
  const body = new ProtobufWriter();
  const emit = new Emitter(body, graph.floatType);
  for (const node of graph.nodes) {
    lowerings[node.op](emit, node);
    // With sizes that it knows by name onnxruntime plans its memory many times as fast, and reuses more of it.
    for (const output of node.outputs) emit.describe(output.id, output);
  }
  for (const { name, tensor } of graph.outputs) emit.node("Identity", [tensor.id], [name]);
  body.string(2, "softgate");
  for (const constant of graph.constants) body.message(5, tensorProto(constant, graph.floatType));
  for (const input of graph.inputs) body.message(11, valueInfo(input.id, input));
  for (const { name, tensor } of graph.outputs) body.message(12, valueInfo(name, tensor));
  const opset = (domain: string, version: number) =>
    new ProtobufWriter().string(1, domain).varint(2, version);
  const model = new ProtobufWriter()
    .varint(1, IR_VERSION)
    .string(2, "softgate")
    .message(7, body)
    .message(8, opset("", OPSET_VERSION));
  // Other runtimes refuse a domain that they do not know, used or not.
  const isPlain = graph.nodes.every(({ op }) => op !== "MatMulInt8");
  return isPlain ? model : model.message(8, opset(CONTRIB_DOMAIN, CONTRIB_VERSION));
}

type AttributeValue =
  | number
  | readonly number[]
  | { float: number }
  | { string: string }
  | { graph: ProtobufWriter };

class Emitter {
  readonly floatType: FloatType;
  readonly #graph: ProtobufWriter;
  readonly freshId: () => string;

  constructor(graph: ProtobufWriter, floatType: FloatType, freshId = counter("x")) {
    this.#graph = graph;
    this.floatType = floatType;
    this.freshId = freshId;
  }

  node(
    op: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ): void {
    this.#graph.message(1, nodeProto({ op, inputs, outputs, attributes }));
  }

  /** A node of one of onnxruntime's own kernels. */
  contribNode(op: string, inputs: readonly string[], outputs: readonly string[]): void {
    this.#graph.message(1, nodeProto({ op, inputs, outputs, attributes: {} }).string(7, CONTRIB_DOMAIN));
  }

  /** A node whose single output gets a fresh name, which is returned. */
  value(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ): string {
    const id = this.freshId();
    this.node(op, inputs, [id], attributes);
    return id;
  }

  /** Says the type of a value, whose sizes onnxruntime cannot find out by itself. */
  describe(id: string, type: TensorType): void {
    this.#graph.message(13, valueInfo(id, type));
  }

  /** As `output`, what the first branch returns or else the second; both see all that stands before. */
  either(condition: string, output: Tensor, branches: readonly [Branch, Branch]): void {
    const [thenGraph, elseGraph] = branches.map((branch, index) => {
      const graph = new ProtobufWriter();
      const value = branch(new Emitter(graph, this.floatType, this.freshId));
      return graph.string(2, `${output.id} ${index}`).message(12, valueInfo(value, output));
    });
    this.node("If", [condition], [output.id], {
      then_branch: { graph: must(thenGraph, "branch") },
      else_branch: { graph: must(elseGraph, "branch") },
    });
  }

  /** A scalar. */
  int32(value: number): string {
    return this.#constant("int32", [], Int32Array.of(value));
  }

  /** A scalar. */
  uint8(value: number): string {
    return this.#constant("uint8", [], Uint8Array.of(value));
  }

  floats(values: readonly number[], shape: readonly number[] = [values.length]): string {
    return this.#constant(this.floatType, shape, Float64Array.from(values));
  }

  integers(values: readonly number[], shape: readonly number[] = [values.length]): string {
    return this.#constant("int64", shape, BigInt64Array.from(values.map(BigInt)));
  }

  #constant(type: ElementType, shape: readonly number[], data: Constant["data"]): string {
    const id = this.freshId();
    this.#graph.message(5, tensorProto({ tensor: { id, type, shape }, data }, this.floatType));
    return id;
  }
}

type Branch = (emit: Emitter) => string;

interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

function nodeProto({ op, inputs, outputs, attributes }: OnnxNode): ProtobufWriter {
  const node = new ProtobufWriter();
  for (const id of inputs) node.string(1, id);
  for (const id of outputs) node.string(2, id);
  node.string(4, op);
  for (const [name, value] of Object.entries(attributes)) node.message(5, attributeProto(name, value));
  return node;
}

function counter(prefix: string): () => string {
  let next = 0;
  return () => `${prefix}${next++}`;
}

const SCALE_MIN = 1e-30;

type Lowering = (emit: Emitter, node: GraphNode) => void;

const lowerings = {
  Add: direct("Add"),
  Sub: direct("Sub"),
  Mul: direct("Mul"),
  Div: direct("Div"),
  Neg: direct("Neg"),
  Exp: direct("Exp"),
  Log: direct("Log"),
  Sqrt: direct("Sqrt"),
  Tanh: direct("Tanh"),
  Sigmoid: direct("Sigmoid"),
  Relu: direct("Relu"),
  MatMul: direct("MatMul"),
  Equal: direct("Equal"),
  StopGradient: direct("Identity"),
  ShapeOf: direct("Shape"),
  Softmax: (emit, node) => emit.node("Softmax", ids(node.inputs), ids(node.outputs), { axis: -1 }),
  LayerNormalization: (emit, node) => norm(emit, ids(node.inputs), ids(node.outputs), node.attributes),
  LayerNormalizationByRow: (
    emit,
    { inputs: [x, rows, gamma, beta, scales, shifts], outputs, attributes },
  ) => {
    const most = emit.value("ReduceMax", [id(rows)], { keepdims: 0 });
    const isFirst = emit.value("Equal", [most, emit.int32(0)]);
    const plain = (branch: Emitter) => normValue(branch, [id(x), id(gamma), id(beta)], attributes);
    // A norm with its scale and shift for each row is one op of onnxruntime too: twice as slow as these, and rounded otherwise.
    const byRow = (branch: Emitter) => {
      const ofRows = (table: Tensor | undefined) =>
        branch.value("Gather", [id(table), id(rows)], { axis: 0 });
      return branch.value("Add", [branch.value("Mul", [plain(branch), ofRows(scales)]), ofRows(shifts)]);
    };
    emit.either(isFirst, must(outputs[0], "y"), [plain, byRow]);
  },
  AddLowRankByRow: (emit, { inputs: [y, x, own, down, up], outputs }) => {
    const isNone = emit.value("Equal", [sizeAlong(emit, own, 1), emit.integers([0])]);
    const plain = (branch: Emitter) => branch.value("Identity", [id(y)]);
    // Outside of the branch: onnxruntime's optimizer moves constants out of it, and then finds their name twice.
    const group = emit.integers([1]);
    const updated = (branch: Emitter) => {
      const states = branch.value("Unsqueeze", [id(x), group]);
      const narrow = branch.value("Mul", [branch.value("MatMul", [states, id(down)]), id(own)]);
      const updates = branch.value("MatMul", [narrow, id(up)]);
      const update = branch.value("ReduceSum", [updates, group], { keepdims: 0 });
      return branch.value("Add", [id(y), update]);
    };
    emit.either(isNone, must(outputs[0], "y"), [plain, updated]);
  },
  SoftmaxMatMul: (emit, { inputs: [scores, values], outputs }) => {
    const last = emit.integers([-1]);
    const top = emit.value("ReduceMax", [id(scores), last], { keepdims: 1 });
    const weights = emit.value("Exp", [emit.value("Sub", [id(scores), top])]);
    const keys = sizeAlong(emit, scores, must(scores, "scores").shape.length - 1);
    // Two columns of ones: a product with one column is summed by lanes.
    const columns = emit.value("Concat", [keys, emit.integers([2])], { axis: 0 });
    const ones = emit.value("Expand", [emit.floats([1], []), columns]);
    const sums = emit.value("MatMul", [weights, ones]);
    const sum = emit.value("Slice", [sums, emit.integers([0]), emit.integers([1]), last]);
    emit.node("Div", [emit.value("MatMul", [weights, id(values)]), sum], ids(outputs));
  },
  QuantizeRows: (emit, { inputs: [x], outputs: [q, scales, zeros] }) => {
    const last = emit.integers([-1]);
    const extreme = (reduce: string, bound: string, nothing: number) =>
      emit.value(bound, [emit.value(reduce, [id(x), last], { keepdims: 0 }), emit.floats([nothing], [])]);
    const below = emit.value("Neg", [extreme("ReduceMin", "Min", 0)]);
    // A row of zeros keeps a scale above 0.
    const range = emit.value("Add", [extreme("ReduceMax", "Max", UINT8_MAX * SCALE_MIN), below]);
    // Of no rows at all, onnxruntime's reductions keep the last axis.
    const flat = (values: string) => {
      const flattened = emit.value("Reshape", [values, last]);
      emit.describe(flattened, { type: emit.floatType, shape: [must(x?.shape[0], "rows")] });
      return flattened;
    };
    const scale = emit.value("Mul", [flat(range), emit.floats([1 / UINT8_MAX], [])]);
    const zero = emit.value("QuantizeLinear", [flat(below), scale], { axis: 0 });
    emit.node("QuantizeLinear", [id(x), scale, zero], [id(q)], { axis: 0 });
    emit.node("Unsqueeze", [scale, last], [id(scales)]);
    emit.node("Unsqueeze", [zero, last], [id(zeros)]);
  },
  MatMulInt8: (emit, { inputs: [q, scales, zeros, weight, columnScales], outputs: [y] }) => {
    const extra = Number(must(weight?.shape[0], "rows")) - Number(must(q?.shape.at(-1), "width"));
    const repeated = emit.value("Expand", [id(zeros), emit.integers([1, extra])]);
    const operand = emit.value("Concat", [id(q), repeated], { axis: -1 });
    const sums = emit.freshId();
    const inputs = [operand, id(weight), emit.floats([1], []), id(columnScales)];
    emit.contribNode("MatMulIntegerToFloat", inputs, [sums]);
    emit.node("Mul", [sums, id(scales)], [id(y)]);
  },
  IndicesAlong: (emit, { inputs: [x], outputs, attributes: { axis = 0 } }) => {
    const size = emit.value("Squeeze", [sizeAlong(emit, x, axis)]);
    const indices = emit.value("Range", [emit.integers([0], []), size, emit.integers([1], [])]);
    emit.node("Cast", [indices], ids(outputs), { to: typeCodes.int32 });
  },
  Transpose: (emit, node) =>
    emit.node("Transpose", ids(node.inputs), ids(node.outputs), { perm: must(node.attributes.perm, "perm") }),
  Reshape: direct("Reshape"),
  Gather: (emit, node) => emit.node("Gather", ids(node.inputs), ids(node.outputs), { axis: 0 }),
  Concat: (emit, node) =>
    emit.node("Concat", ids(node.inputs), ids(node.outputs), { axis: node.attributes.axis ?? 0 }),
  Cast: (emit, node) =>
    emit.node("Cast", ids(node.inputs), ids(node.outputs), { to: typeCodes[must(node.attributes.to, "to")] }),
  ReduceSum: (emit, node) => {
    const axes = emit.integers(must(node.attributes.axes, "axes"));
    emit.node("ReduceSum", [...ids(node.inputs), axes], ids(node.outputs), { keepdims: 1 });
  },
  ExpandLike: (emit, { inputs: [x, like], outputs }) => {
    const sizes = emit.value("Shape", [id(like)]);
    emit.node("Expand", [id(x), sizes], ids(outputs));
  },
  ScatterAdd: (emit, { inputs: [like, indices, updates], outputs }) => {
    const zero = emit.floats([0]);
    const zeros = emit.value("Expand", [zero, emit.value("Shape", [id(like)])]);
    const rows = emit.value("Unsqueeze", [id(indices), emit.integers([-1])]);
    const rows64 = emit.value("Cast", [rows], { to: typeCodes.int64 });
    emit.node("ScatterND", [zeros, rows64, id(updates)], ids(outputs), { reduction: { string: "add" } });
  },
  SliceLike: (emit, { inputs: [x, before, like], outputs, attributes: { axis = 0 } }) => {
    const start = sizeAlong(emit, before, axis);
    const end = emit.value("Add", [start, sizeAlong(emit, like, axis)]);
    emit.node("Slice", [id(x), start, end, emit.integers([axis])], ids(outputs));
  },
  PadLike: (emit, { inputs: [x, before, whole], outputs, attributes: { axis = 0 } }) => {
    const start = sizeAlong(emit, before, axis);
    const rest = emit.value("Sub", [sizeAlong(emit, whole, axis), start]);
    const end = emit.value("Sub", [rest, sizeAlong(emit, x, axis)]);
    // All axes, though Pad could be told of one: onnxruntime forgets which when it moves a Transpose behind it.
    const rank = must(x, "x").shape.length;
    const none = (count: number) => emit.integers(Array<number>(count).fill(0));
    const all = [none(axis), start, none(rank - 1), end, none(rank - 1 - axis)];
    const pads = emit.value("Concat", all, { axis: 0 });
    emit.node("Pad", [id(x), pads, emit.floats([0], [])], ids(outputs));
  },
  Gelu: (emit, node) => {
    if (emit.floatType === "float32") return emit.node("Gelu", ids(node.inputs), ids(node.outputs));
    // No float64 kernel exists: x/2 · (1 + erf(x/√2)) out of the erf below.
    const x = id(node.inputs[0]);
    const erf = erfFloat64(emit, emit.value("Mul", [x, emit.floats([Math.SQRT1_2], [])]));
    const half = emit.value("Mul", [x, emit.floats([0.5], [])]);
    const factor = emit.value("Add", [erf, emit.floats([1], [])]);
    emit.node("Mul", [half, factor], ids(node.outputs));
  },
  Erf: (emit, node) => {
    if (emit.floatType === "float32") return emit.node("Erf", ids(node.inputs), ids(node.outputs));
    emit.node("Identity", [erfFloat64(emit, id(node.inputs[0]))], ids(node.outputs));
  },
} satisfies Record<OpName, Lowering>;

/** One int64: the size of a tensor along an axis. */
function sizeAlong(emit: Emitter, tensor: Tensor | undefined, axis: number): string {
  return emit.value("Shape", [id(tensor)], { start: axis, end: axis + 1 });
}

/** Outputs y, mean and 1/deviation, the last two where they have a name. */
function norm(
  emit: Emitter,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Attributes,
): void {
  const epsilon = must(attributes.epsilon, "epsilon");
  if (emit.floatType === "float64") normFloat64(emit, inputs, outputs, epsilon);
  else emit.node("LayerNormalization", inputs, outputs, { axis: -1, epsilon: { float: epsilon } });
}

function normValue(emit: Emitter, inputs: readonly string[], attributes: Attributes): string {
  const y = emit.freshId();
  norm(emit, inputs, [y], attributes);
  return y;
}

/** By its definition: onnxruntime's kernel keeps mean and deviation in float32 whatever the input is. */
function normFloat64(
  emit: Emitter,
  [x = "", gamma = "", beta = ""]: readonly string[],
  [y = "", mean = emit.freshId(), inverse = emit.freshId()]: readonly string[],
  epsilon: number,
): void {
  const last = emit.integers([-1]);
  emit.node("ReduceMean", [x, last], [mean], { keepdims: 1 });
  const centred = emit.value("Sub", [x, mean]);
  const variance = emit.value("ReduceMean", [emit.value("Mul", [centred, centred]), last], { keepdims: 1 });
  const deviation = emit.value("Sqrt", [emit.value("Add", [variance, emit.floats([epsilon], [])])]);
  emit.node("Reciprocal", [deviation], [inverse]);
  const unit = emit.value("Mul", [centred, inverse]);
  emit.node("Add", [emit.value("Mul", [unit, gamma]), beta], [y]);
}

/**
 * erf by its Maclaurin series, 40 terms by Horner's rule: exact to 1e-14 for |x| ≤ 3. Only gradient
 * checks run in float64, on inputs within that range.
 */
function erfFloat64(emit: Emitter, x: string): string {
  const terms = 40;
  const square = emit.value("Mul", [x, x]);
  let sum = emit.floats([coefficient(terms - 1)], []);
  for (let n = terms - 2; n >= 0; n--) {
    sum = emit.value("Add", [emit.value("Mul", [sum, square]), emit.floats([coefficient(n)], [])]);
  }
  return emit.value("Mul", [sum, x]);
}

function coefficient(n: number): number {
  let factorial = 1;
  for (let k = 2; k <= n; k++) factorial *= k;
  return ((n % 2 === 0 ? 1 : -1) * 2) / Math.sqrt(Math.PI) / (factorial * (2 * n + 1));
}

function direct(op: string): Lowering {
  return (emit, node) => emit.node(op, ids(node.inputs), ids(node.outputs));
}

function ids(tensors: readonly Tensor[]): string[] {
  return tensors.map((tensor) => tensor.id);
}

function id(tensor: Tensor | undefined): string {
  return must(tensor, "input").id;
}

function attributeProto(name: string, value: AttributeValue): ProtobufWriter {
  const proto = new ProtobufWriter().string(1, name);
  if (typeof value === "number") return proto.varint(3, value).varint(20, 2);
  if ("float" in value) return proto.float(2, value.float).varint(20, 1);
  if ("graph" in value) return proto.message(6, value.graph).varint(20, 5);
  if ("string" in value) return proto.string(4, value.string).varint(20, 3);
  for (const item of value) proto.varint(8, item);
  return proto.varint(20, 7);
}

function tensorProto({ tensor, data }: Constant, floatType: FloatType): ProtobufWriter {
  const proto = new ProtobufWriter();
  for (const size of tensor.shape) proto.varint(1, Number(size));
  const raw = isFloat(data) ? convert(data, floatType) : data;
  return proto
    .varint(2, typeCodes[tensor.type])
    .string(8, tensor.id)
    .bytes(9, new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength));
}

function isFloat(data: Constant["data"]): data is Float32Array | Float64Array {
  return data instanceof Float32Array || data instanceof Float64Array;
}

function convert(data: Float32Array | Float64Array, floatType: FloatType): Float32Array | Float64Array {
  if (floatType === "float32") return data instanceof Float32Array ? data : Float32Array.from(data);
  return data instanceof Float64Array ? data : Float64Array.from(data);
}

function valueInfo(name: string, { type, shape }: TensorType): ProtobufWriter {
  const dims = new ProtobufWriter();
  for (const size of shape) {
    const dim = new ProtobufWriter();
    dims.message(1, typeof size === "number" ? dim.varint(1, size) : dim.string(2, size));
  }
  const tensorType = new ProtobufWriter().varint(1, typeCodes[type]).message(2, dims);
  return new ProtobufWriter().string(1, name).message(2, new ProtobufWriter().message(1, tensorType));
}
