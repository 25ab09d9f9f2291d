// The gradient of every op of the op table, as vector-Jacobian products that add nodes to the same
// graph. Total over OpName: a new op without an entry does not compile. ȳ is the gradient of the
// loss by the node's first output; each rule returns the gradients by its inputs, undefined where an
// input has none (indices, sizes, constants of a comparison).
import { type GraphBuilder, type GraphNode, must, type OpName, type Tensor } from "#model/graph";

export interface RuleInput {
  readonly builder: GraphBuilder;
  readonly node: GraphNode;
  readonly x: readonly Tensor[];
  readonly y: Tensor;
  /** Gradient of the loss by y. */
  readonly grad: Tensor;
}

type VjpRule = (rule: RuleInput) => readonly (Tensor | undefined)[];

export const vjpRules = {
  Add: ({ builder, x: [a, b], grad }) => [sumTo(builder, grad, need(a)), sumTo(builder, grad, need(b))],
  Sub: ({ builder, x: [a, b], grad }) => [
    sumTo(builder, grad, need(a)),
    sumTo(builder, builder.apply("Neg", [grad]), need(b)),
  ],
  // d(ab) = b da + a db
  Mul: ({ builder, x: [a, b], grad }) => [
    sumTo(builder, builder.apply("Mul", [grad, need(b)]), need(a)),
    sumTo(builder, builder.apply("Mul", [grad, need(a)]), need(b)),
  ],
  // d(a/b) = da/b - (a/b) db/b
  Div: ({ builder, x: [a, b], y, grad }) => {
    const scaled = builder.apply("Div", [grad, need(b)]);
    return [
      sumTo(builder, scaled, need(a)),
      sumTo(builder, builder.apply("Neg", [builder.apply("Mul", [scaled, y])]), need(b)),
    ];
  },
  Neg: ({ builder, grad }) => [builder.apply("Neg", [grad])],
  Exp: ({ builder, y, grad }) => [builder.apply("Mul", [grad, y])],
  Log: ({ builder, x: [a], grad }) => [builder.apply("Div", [grad, need(a)])],
  // d√x = dx / (2√x)
  Sqrt: ({ builder, y, grad }) => [
    builder.apply("Div", [builder.apply("Mul", [grad, builder.scalar(0.5)]), y]),
  ],
  // 1 - tanh²
  Tanh: ({ builder, y, grad }) => [
    builder.apply("Mul", [grad, builder.apply("Sub", [builder.scalar(1), builder.apply("Mul", [y, y])])]),
  ],
  // σ(1 - σ)
  Sigmoid: ({ builder, y, grad }) => [
    builder.apply("Mul", [grad, builder.apply("Mul", [y, builder.apply("Sub", [builder.scalar(1), y])])]),
  ],
  // sign(y) as y / |y| needs no further op: y > 0 is not (y = 0)
  Relu: ({ builder, y, grad }) => {
    const zero = builder.apply("Cast", [builder.apply("Equal", [y, builder.scalar(0)])], { to: y.type });
    return [builder.apply("Mul", [grad, builder.apply("Sub", [builder.scalar(1), zero])])];
  },
  // 2/√π · exp(-x²)
  Erf: ({ builder, x: [a], grad }) => {
    const square = builder.apply("Mul", [need(a), need(a)]);
    const bell = builder.apply("Exp", [builder.apply("Neg", [square])]);
    return [
      builder.apply("Mul", [grad, builder.apply("Mul", [bell, builder.scalar(2 / Math.sqrt(Math.PI))])]),
    ];
  },
  // Φ(x) + x φ(x)
  Gelu: ({ builder, x: [a], grad }) => [builder.apply("Mul", [grad, geluSlope(builder, need(a))])],
  StopGradient: () => [undefined],
  // ȳ⊙y - y Σ(ȳ⊙y)
  Softmax: ({ builder, y, grad }) => {
    const weighted = builder.apply("Mul", [grad, y]);
    const total = builder.apply("ReduceSum", [weighted], { axes: [y.shape.length - 1] });
    return [builder.apply("Sub", [weighted, builder.apply("Mul", [y, total])])];
  },
  LayerNormalization: ({ builder, node, x: [a, gamma, beta], grad }) => {
    const inverse = must(node.outputs[2], "inverse deviation");
    const mean = must(node.outputs[1], "mean");
    const unit = builder.apply("Mul", [builder.apply("Sub", [need(a), mean]), inverse]);
    const scaled = builder.apply("Mul", [grad, need(gamma)]);
    return [
      normGradient(builder, { unit, inverse, scaled }),
      sumTo(builder, builder.apply("Mul", [grad, unit]), need(gamma)),
      sumTo(builder, grad, need(beta)),
    ];
  },
  // ā = ȳ · bᵀ, b̄ = aᵀ · ȳ; a shared b of rank 2 sums over all rows of a.
  MatMul: ({ builder, x: [a, b], grad }) => {
    const left = need(a);
    const right = need(b);
    const gradLeft = sumTo(builder, builder.apply("MatMul", [grad, swapLast(builder, right)]), left);
    if (right.shape.length > 2 || left.shape.length === 2) {
      return [gradLeft, sumTo(builder, builder.apply("MatMul", [swapLast(builder, left), grad]), right)];
    }
    const rows = swapLast(builder, flatten(builder, left));
    return [gradLeft, builder.apply("MatMul", [rows, flatten(builder, grad)])];
  },
  Transpose: ({ builder, node, grad }) => {
    const perm = must(node.attributes.perm, "perm");
    return [builder.apply("Transpose", [grad], { perm: perm.map((_, axis) => perm.indexOf(axis)) })];
  },
  Reshape: ({ builder, x: [a], grad }) => [builder.reshapeLike(grad, need(a)), undefined],
  ShapeOf: () => [undefined],
  IndicesAlong: () => [undefined],
  Gather: ({ builder, x: [a, indices], grad }) => [
    builder.apply("ScatterAdd", [need(a), need(indices), grad]),
    undefined,
  ],
  ScatterAdd: ({ builder, x: [, indices], grad }) => [
    undefined,
    undefined,
    builder.apply("Gather", [grad, need(indices)]),
  ],
  Concat: ({ builder, node: { attributes }, x: [a, b], grad }) => {
    const nothing = emptyLike(builder, need(a), attributes.axis ?? 0);
    return [
      builder.apply("SliceLike", [grad, nothing, need(a)], attributes),
      builder.apply("SliceLike", [grad, need(a), need(b)], attributes),
    ];
  },
  SliceLike: ({ builder, node: { attributes }, x: [whole, before], grad }) => [
    builder.apply("PadLike", [grad, need(before), need(whole)], attributes),
    undefined,
    undefined,
  ],
  PadLike: ({ builder, node: { attributes }, x: [a, before], grad }) => [
    builder.apply("SliceLike", [grad, need(before), need(a)], attributes),
    undefined,
    undefined,
  ],
  ReduceSum: ({ builder, x: [a], grad }) => [builder.apply("ExpandLike", [grad, need(a)])],
  ExpandLike: ({ builder, x: [a], grad }) => [sumTo(builder, grad, need(a)), undefined],
  Equal: () => [undefined, undefined],
  Cast: () => [undefined],
  LayerNormalizationByRow: withoutGradient,
  AddLowRankByRow: withoutGradient,
  QuantizeRows: withoutGradient,
  MatMulInt8: withoutGradient,
  SoftmaxMatMul: withoutGradient,
} satisfies Record<OpName, VjpRule>;

/** Of ops of serving graphs: what is trained stands in graphs of its own, in fp32. */
function withoutGradient({ node: { op } }: RuleInput): never {
  throw new Error(`${op} has no gradient: it is an op for serving`);
}

/** x̂ = (x - mean)/deviation, ĝ = ȳ⊙γ: x̄ = (ĝ - mean(ĝ) - x̂ mean(ĝ⊙x̂)) / deviation */
function normGradient(
  builder: GraphBuilder,
  { unit, inverse, scaled }: { unit: Tensor; inverse: Tensor; scaled: Tensor },
): Tensor {
  const along = builder.meanOverLast(builder.apply("Mul", [scaled, unit]));
  const flat = builder.apply("Sub", [scaled, builder.meanOverLast(scaled)]);
  const residual = builder.apply("Sub", [flat, builder.apply("Mul", [unit, along])]);
  return builder.apply("Mul", [residual, inverse]);
}

function geluSlope(builder: GraphBuilder, x: Tensor): Tensor {
  const erf = builder.apply("Erf", [builder.apply("Mul", [x, builder.scalar(Math.SQRT1_2)])]);
  const distribution = builder.apply("Mul", [
    builder.apply("Add", [erf, builder.scalar(1)]),
    builder.scalar(0.5),
  ]);
  const square = builder.apply("Mul", [builder.apply("Mul", [x, x]), builder.scalar(-0.5)]);
  const density = builder.apply("Mul", [
    builder.apply("Exp", [square]),
    builder.scalar(1 / Math.sqrt(2 * Math.PI)),
  ]);
  return builder.apply("Add", [distribution, builder.apply("Mul", [x, density])]);
}

/** Sums a gradient over the axes along which `like` was broadcast. */
export function sumTo(builder: GraphBuilder, grad: Tensor, like: Tensor): Tensor {
  const lead = grad.shape.length - like.shape.length;
  const axes = grad.shape.flatMap((size, axis) =>
    axis < lead || (like.shape[axis - lead] === 1 && size !== 1) ? [axis] : [],
  );
  if (axes.length === 0) return grad;
  const summed = builder.apply("ReduceSum", [grad], { axes });
  return lead === 0 ? summed : builder.reshapeLike(summed, like);
}

function swapLast(builder: GraphBuilder, x: Tensor): Tensor {
  const rank = x.shape.length;
  const perm = x.shape.map((_, axis) => (axis === rank - 1 ? rank - 2 : axis === rank - 2 ? rank - 1 : axis));
  return builder.apply("Transpose", [x], { perm });
}

/** [.., n] → [rows, n]. */
function flatten(builder: GraphBuilder, x: Tensor): Tensor {
  const last = Number(must(x.shape.at(-1), "last axis"));
  return builder.reshape(x, [-1, last], ["rows", last]);
}

/** A tensor of x's rank and of size 0 along `axis`, to stand before the first part of a Concat. */
function emptyLike(builder: GraphBuilder, x: Tensor, axis: number): Tensor {
  return builder.constant(
    new Float32Array(0),
    x.shape.map((_, index) => (index === axis ? 0 : 1)),
  );
}

function need(tensor: Tensor | undefined): Tensor {
  return must(tensor, "rule input");
}
