import { describe, expect, test } from "vitest";
import type { GraphBuilder, OpName, Tensor } from "#model/graph";
import { type GradientCase, gradientError } from "./check-gradients.ts";
import { vjpRules } from "./vjp-rules.ts";

function numbers(shape: readonly number[], { from = -1.5, to = 1.5, seed = 1 } = {}) {
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  let state = seed * 9301 + 49297;
  const data = Float64Array.from({ length: size }, () => {
    state = (state * 9301 + 49297) % 233280;
    return from + ((to - from) * state) / 233280;
  });
  return { shape, data };
}

const unary = (op: OpName, range = {}): GradientCase => ({
  inputs: { a: numbers([3, 4], range) },
  build: (builder, { a }) => builder.apply(op, [a as Tensor]),
});
const binary = (op: OpName, shapes: readonly (readonly number[])[], range = {}): GradientCase => ({
  inputs: { a: numbers(shapes[0] ?? []), b: numbers(shapes[1] ?? [], { seed: 2, ...range }) },
  build: (builder, { a, b }) => builder.apply(op, [a as Tensor, b as Tensor]),
});
const rowsOf = (builder: GraphBuilder, x: Tensor) => builder.apply("Mul", [x, x]);

/** One or more cases an op. Ops without any gradient are listed with none. */
const cases = {
  Add: [
    binary("Add", [[2, 3], [3]]),
    binary("Add", [
      [2, 1, 3],
      [4, 1],
    ]),
  ],
  Sub: [
    binary("Sub", [
      [2, 3],
      [2, 1],
    ]),
  ],
  Mul: [
    binary("Mul", [
      [2, 3],
      [1, 3],
    ]),
    binary("Mul", [[2, 3], []]),
  ],
  Div: [binary("Div", [[2, 3], [3]], { from: 0.5, to: 2 })],
  Neg: [unary("Neg")],
  Exp: [unary("Exp")],
  Log: [unary("Log", { from: 0.5, to: 3 })],
  Sqrt: [unary("Sqrt", { from: 0.5, to: 3 })],
  Tanh: [unary("Tanh")],
  Sigmoid: [unary("Sigmoid")],
  Relu: [unary("Relu")],
  Erf: [unary("Erf")],
  Gelu: [unary("Gelu")],
  StopGradient: [
    {
      inputs: { a: numbers([2, 3]), b: numbers([2, 3], { seed: 3 }) },
      build: (builder, { a, b }) =>
        builder.apply("Mul", [a as Tensor, builder.apply("Add", [b as Tensor, stopped(builder)])]),
    },
  ],
  Softmax: [unary("Softmax")],
  LayerNormalization: [
    {
      inputs: { x: numbers([2, 3, 5]), gamma: numbers([5], { seed: 4 }), beta: numbers([5], { seed: 5 }) },
      build: (builder, { x, gamma, beta }) =>
        builder.apply("LayerNormalization", [x as Tensor, gamma as Tensor, beta as Tensor], {
          epsilon: 1e-5,
        }),
    },
  ],
  LayerNormalizationByRow: [],
  AddLowRankByRow: [],
  MatMul: [
    binary("MatMul", [
      [3, 4],
      [4, 2],
    ]),
    binary("MatMul", [
      [2, 3, 4],
      [4, 2],
    ]),
    binary("MatMul", [
      [2, 3, 4],
      [2, 4, 2],
    ]),
    binary("MatMul", [
      [2, 5, 3, 4],
      [1, 5, 4, 2],
    ]),
  ],
  Transpose: [
    {
      inputs: { a: numbers([2, 3, 4]) },
      build: (builder, { a }) => builder.apply("Transpose", [a as Tensor], { perm: [2, 0, 1] }),
    },
  ],
  Reshape: [
    {
      inputs: { a: numbers([2, 6]) },
      build: (builder, { a }) => builder.reshape(a as Tensor, [3, -1], [3, 4]),
    },
  ],
  ShapeOf: [],
  IndicesAlong: [],
  Gather: [
    {
      inputs: { a: numbers([4, 3]) },
      indices: { at: { shape: [2, 3], data: Int32Array.of(0, 3, 3, 1, 0, 3) } },
      build: (builder, { a, at }) => builder.apply("Gather", [a as Tensor, at as Tensor]),
    },
  ],
  ScatterAdd: [
    {
      inputs: { updates: numbers([3, 2]), like: numbers([4, 2]) },
      indices: { at: { shape: [3], data: Int32Array.of(1, 3, 1) } },
      build: (builder, { like, at, updates }) =>
        // `like` only gives its shape, so it joins by an Add to have a gradient of its own.
        builder.apply("Add", [
          builder.apply("ScatterAdd", [like as Tensor, at as Tensor, rowsOf(builder, updates as Tensor)]),
          like as Tensor,
        ]),
    },
  ],
  Concat: [
    binary("Concat", [
      [2, 3],
      [4, 3],
    ]),
    {
      inputs: { a: numbers([2, 3, 2]), b: numbers([2, 1, 2], { seed: 2 }) },
      build: (builder, { a, b }) =>
        rowsOf(builder, builder.apply("Concat", [a as Tensor, b as Tensor], { axis: 1 })),
    },
  ],
  SliceLike: [
    {
      inputs: { whole: numbers([2, 5]), before: numbers([2, 1]), like: numbers([2, 3]) },
      build: (builder, { whole, before, like }) =>
        builder.apply("Mul", [
          builder.apply("SliceLike", [rowsOf(builder, whole as Tensor), before as Tensor, like as Tensor], {
            axis: 1,
          }),
          builder.apply("Add", [like as Tensor, before as Tensor]),
        ]),
    },
    {
      inputs: { whole: numbers([5, 2]), before: numbers([1, 2]), like: numbers([3, 2]) },
      build: (builder, { whole, before, like }) =>
        builder.apply("Add", [
          builder.apply("SliceLike", [rowsOf(builder, whole as Tensor), before as Tensor, like as Tensor]),
          builder.apply("Add", [like as Tensor, before as Tensor]),
        ]),
    },
  ],
  PadLike: [
    {
      inputs: { a: numbers([2, 2]), before: numbers([2, 1]), whole: numbers([2, 5]) },
      build: (builder, { a, before, whole }) =>
        builder.apply("Mul", [
          builder.apply("PadLike", [rowsOf(builder, a as Tensor), before as Tensor, whole as Tensor], {
            axis: 1,
          }),
          builder.apply("Add", [whole as Tensor, before as Tensor]),
        ]),
    },
    {
      inputs: { a: numbers([2, 2]), before: numbers([1, 2]), whole: numbers([5, 2]) },
      build: (builder, { a, before, whole }) =>
        builder.apply("Add", [
          builder.apply("PadLike", [rowsOf(builder, a as Tensor), before as Tensor, whole as Tensor]),
          builder.apply("Add", [whole as Tensor, before as Tensor]),
        ]),
    },
  ],
  ReduceSum: [
    {
      inputs: { a: numbers([2, 3, 4]) },
      build: (builder, { a }) => builder.apply("ReduceSum", [rowsOf(builder, a as Tensor)], { axes: [0, 2] }),
    },
  ],
  ExpandLike: [
    {
      inputs: { a: numbers([1, 3]), like: numbers([2, 3]) },
      build: (builder, { a, like }) =>
        builder.apply("Add", [builder.apply("ExpandLike", [a as Tensor, like as Tensor]), like as Tensor]),
    },
  ],
  Equal: [],
  Cast: [],
  QuantizeRows: [],
  MatMulInt8: [],
  SoftmaxMatMul: [],
} satisfies Record<OpName, readonly GradientCase[]>;

function stopped(builder: GraphBuilder): Tensor {
  return builder.apply("StopGradient", [builder.scalar(0.3)]);
}

describe("every gradient rule equals central finite differences in float64", () => {
  const table = Object.entries(cases).flatMap(([op, list]) =>
    list.map((spec, index) => ({ op, index, spec })),
  );
  test.each(table)("$op, case $index", async ({ spec }) => {
    expect(await gradientError(spec)).toBeLessThan(1e-7);
  });

  test("the rules cover the op table", () => {
    expect(Object.keys(vjpRules).sort()).toEqual(Object.keys(cases).sort());
  });
});
