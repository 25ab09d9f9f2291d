// The op table: every operation the graphs may use, with its shape and type rule. The gradient of
// each stands in trainer/autodiff/vjp-rules.ts, which is total over this table.
// Shapes are symbolic: a dimension is a number or a name, and two dimensions agree when identical.

export type FloatType = "float32" | "float64";
export type ElementType = FloatType | "int8" | "uint8" | "int32" | "int64" | "bool";
export type Dimension = number | string;
export type Shape = readonly Dimension[];

export interface TensorType {
  readonly type: ElementType;
  readonly shape: Shape;
}

/** What an op carries besides its inputs. Only the fields an op's rule reads may be given. */
export interface Attributes {
  /** Transpose: output axis i is input axis perm[i]. */
  readonly perm?: readonly number[];
  /** ReduceSum: axes, kept with size 1. */
  readonly axes?: readonly number[];
  /** Concat, SliceLike, PadLike, IndicesAlong: along which axis; 0 when absent. */
  readonly axis?: number;
  /** Reshape: the resulting shape. Gradients and places where sizes are known by name rely on it. */
  readonly shape?: Shape;
  /** LayerNormalization. */
  readonly epsilon?: number;
  /** Cast. */
  readonly to?: ElementType;
}

/** Most of a number that QuantizeRows gives. */
export const UINT8_MAX = 255;
/**
 * Most that the sizes of two neighbouring int8 weights of one sign add up to, rows 2i and 2i + 1 of a column.
 * x64 without VNNI adds the two products of such a pair in 16 bits: 255 · 128 is the most that these hold.
 */
export const INT8_PAIR_MAX = 128;

/** Columns of a group of AddLowRankByRow. */
export const LOW_RANK_COLUMNS = 16;

export type Rule = (inputs: readonly TensorType[], attributes: Attributes) => readonly TensorType[];

export const opTable = {
  // Elementwise, two inputs, NumPy broadcasting.
  Add: broadcast,
  Sub: broadcast,
  Mul: broadcast,
  Div: broadcast,
  // Elementwise, one input.
  Neg: same,
  Exp: same,
  Log: same,
  Sqrt: same,
  Tanh: same,
  Sigmoid: same,
  Relu: same,
  Erf: same,
  Gelu: same,
  /** Forward value of the input, no gradient. */
  StopGradient: same,
  /** Over the last axis. */
  Softmax: same,
  /** y = (x - mean) / sqrt(var + epsilon) · gamma + beta over the last axis; also mean and 1/deviation. */
  LayerNormalization: ([x, gamma, beta]) => {
    const input = must(x, "LayerNormalization x");
    assertSame(lastOf(input.shape), must(gamma, "gamma").shape[0], "LayerNormalization gamma");
    assertSame(lastOf(input.shape), must(beta, "beta").shape[0], "LayerNormalization beta");
    const reduced = { type: input.type, shape: [...input.shape.slice(0, -1), 1] };
    return [input, reduced, reduced];
  },
  /**
   * LayerNormalization, then a scale and a shift for each row: y · scales[i] + shifts[i] of x [.., D], i the int32
   * index [..] of the row in the tables [A, D]. The first of the tables are ones and zeros: they leave a row as the
   * plain norm makes it, to the last digit, and where all rows are of the first, it costs as much as the plain one.
   */
  LayerNormalizationByRow: ([x, rows, gamma, beta, scales, shifts]) => {
    const input = must(x, "LayerNormalizationByRow x");
    const width = lastOf(input.shape);
    const expected = input.shape.slice(0, -1).join();
    assertSame(must(rows, "rows").shape.join(), expected, "LayerNormalizationByRow rows");
    for (const [name, vector] of Object.entries({ gamma, beta }))
      assertSame(must(vector, name).shape[0], width, `LayerNormalizationByRow ${name}`);
    for (const [name, table] of Object.entries({ scales, shifts }))
      assertSame(must(table, name).shape[1], width, `LayerNormalizationByRow ${name}`);
    return [input];
  },
  /**
   * y [r, t, m] + Σ over g of ((x [r, t, d] · down [r, g, d, k]) ⊙ own [r, g, t, k]) · up [r, g, k, m]: low-rank updates of a
   * product, several in a packed row, in groups of LOW_RANK_COLUMNS columns; `own` is 1 in a position's columns and else 0,
   * all of one group. With no group at all it is y, and nothing is multiplied. On other columns, and on how many there are, a
   * position does not depend, to the last digit: in what order onnxruntime sums up depends on the number of columns, so it
   * is always the same.
   */
  AddLowRankByRow: ([y, x, own, down, up]) => {
    const [sum, input, columns] = [must(y, "AddLowRankByRow y"), must(x, "x"), must(own, "own")];
    const [rows, positions, width] = input.shape;
    const [first, second] = [must(down, "down"), must(up, "up")];
    const [groups, outputs] = [first.shape[1], second.shape[3]];
    const expect = (name: string, given: Shape, expected: readonly (Dimension | undefined)[]) =>
      assertSame(given.join(), expected.join(), `AddLowRankByRow ${name}`);
    expect("down", first.shape, [rows, groups, width, LOW_RANK_COLUMNS]);
    expect("own", columns.shape, [rows, groups, positions, LOW_RANK_COLUMNS]);
    expect("up", second.shape, [rows, groups, LOW_RANK_COLUMNS, outputs]);
    expect("y", sum.shape, [rows, positions, outputs]);
    return [sum];
  },
  /** [.., n, k] · [k, m] or [.., n, k] · [.., k, m] with broadcast leading axes. */
  MatMul: ([a, b]) => [matMulType(must(a, "MatMul a"), must(b, "MatMul b"))],
  /**
   * Eight bits a number, each row by a scale and a zero of its own, so that no row depends on another:
   * of x [n, k], q = round(x / scale) + zero as uint8 [n, k]; scale [n, 1] = (highest - lowest) / 255 of the
   * row and 0; zero as uint8 [n, 1].
   */
  QuantizeRows: ([x]) => {
    const { type, shape } = must(x, "QuantizeRows x");
    if (shape.length !== 2) throw new Error(`QuantizeRows of [${shape}]: a matrix is needed`);
    const column = [must(shape[0], "rows"), 1];
    return [
      { type: "uint8", shape },
      { type, shape: column },
      { type: "uint8", shape: column },
    ];
  },
  /**
   * What QuantizeRows gives of [n, k], times int8 weights [k + e, m] with a scale for each column [m]:
   * [n, m]. The last e ≥ 1 weights of a column sum to less than nothing what the first k do: each meets the
   * row's zero, which takes it out of the sum. Sums are exact in int32.
   */
  MatMulInt8: ([q, rowScales, zeros, weight, columnScales]) => {
    const [quantized, scales, columns] = [must(q, "q"), must(rowScales, "scales"), must(weight, "weight")];
    assertSame(quantized.type, "uint8", "MatMulInt8 q");
    assertSame(must(zeros, "zeros").type, "uint8", "MatMulInt8 zeros");
    assertSame(columns.type, "int8", "MatMulInt8 weight");
    if (Number(columns.shape[0]) <= Number(lastOf(quantized.shape)))
      throw new Error(`MatMulInt8 [${quantized.shape}] · [${columns.shape}]: no weights for the zeros`);
    assertSame(must(columnScales, "columnScales").shape.join(), `${columns.shape[1]}`, "MatMulInt8 columns");
    return [{ type: scales.type, shape: [...quantized.shape.slice(0, -1), lastOf(columns.shape)] }];
  },
  /**
   * softmax(scores [.., q, k]) · values [.., k, d], summed over k in the order of k: of what has a weight of 0 the
   * result does not depend, nor on how many such there are before or after. (Softmax and MatMul apart sum the weights
   * by lanes of a register, in which a value stands by its place.)
   */
  SoftmaxMatMul: ([scores, values]) => [matMulType(must(scores, "scores"), must(values, "values"))],
  Transpose: ([x], { perm }) => {
    const input = must(x, "Transpose x");
    const order = must(perm, "Transpose perm");
    return [{ type: input.type, shape: order.map((axis) => must(input.shape[axis], "Transpose axis")) }];
  },
  /** Inputs: x and the int64 target shape (0 keeps an axis, -1 is inferred). */
  Reshape: ([x], { shape }) => [{ type: must(x, "Reshape x").type, shape: must(shape, "Reshape shape") }],
  /** The sizes of x as int64, for reshaping a gradient back. */
  ShapeOf: ([x]) => [{ type: "int64", shape: [must(x, "ShapeOf x").shape.length] }],
  /** 0, 1, 2 … as int32, as many as x is long along `axis`. */
  IndicesAlong: ([x], { axis = 0 }) => [
    { type: "int32", shape: [must(must(x, "IndicesAlong x").shape[axis], "IndicesAlong axis")] },
  ],
  /** Rows of x (axis 0) at int32 indices of any shape. */
  Gather: ([x, indices]) => {
    const input = must(x, "Gather x");
    return [{ type: input.type, shape: [...must(indices, "Gather indices").shape, ...input.shape.slice(1)] }];
  },
  /** zeros(ShapeOf like) with the update rows added at the index rows: Gather's transpose. */
  ScatterAdd: ([like]) => [must(like, "ScatterAdd like")],
  /** Along one axis, two inputs. The result's size there is a name of its own. */
  Concat: ([a, b], { axis = 0 }) => {
    const first = must(a, "Concat a");
    const second = must(b, "Concat b");
    assertSame(first.type, second.type, "Concat type");
    assertSame(first.shape.toSpliced(axis, 1).join(), second.shape.toSpliced(axis, 1).join(), "Concat rows");
    const size = addDimensions(first.shape[axis], second.shape[axis]);
    return [{ type: first.type, shape: first.shape.with(axis, size) }];
  },
  /** The part of x (input 0) that stands where Concat put it: after as much as `before`, as much as `like`. */
  SliceLike: ([, , like]) => [must(like, "SliceLike like")],
  /** The transpose of SliceLike: x (input 0) with zeros around it, those of `before` first, as much in all as `whole`. */
  PadLike: ([x, , whole], { axis = 0 }) => {
    const input = must(x, "PadLike x");
    const size = must(must(whole, "PadLike whole").shape[axis], "PadLike axis");
    return [{ type: input.type, shape: input.shape.with(axis, size) }];
  },
  ReduceSum: ([x], { axes }) => {
    const input = must(x, "ReduceSum x");
    const reduced = must(axes, "ReduceSum axes");
    return [
      { type: input.type, shape: input.shape.map((size, axis) => (reduced.includes(axis) ? 1 : size)) },
    ];
  },
  /** x (input 0) repeated to the sizes of `like` (input 1). */
  ExpandLike: ([x, like]) => [{ type: must(x, "ExpandLike x").type, shape: must(like, "like").shape }],
  Equal: (inputs) => broadcast(inputs).map(({ shape }) => ({ type: "bool", shape })),
  Cast: ([x], { to }) => [{ type: must(to, "Cast to"), shape: must(x, "Cast x").shape }],
} satisfies Record<string, Rule>;

export type OpName = keyof typeof opTable;

function same([x]: readonly TensorType[]): readonly TensorType[] {
  return [must(x, "input")];
}

function broadcast([a, b]: readonly TensorType[]): readonly TensorType[] {
  const first = must(a, "a");
  const second = must(b, "b");
  assertSame(first.type, second.type, "element type");
  return [{ type: first.type, shape: broadcastShapes(first.shape, second.shape) }];
}

export function broadcastShapes(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left === right || right === 1) return left;
    if (left === 1) return right;
    throw new Error(`Cannot broadcast [${a}] with [${b}]`);
  });
}

function matMulType(a: TensorType, b: TensorType): TensorType {
  assertSame(a.type, b.type, "MatMul type");
  assertSame(lastOf(a.shape), b.shape.at(-2), `MatMul [${a.shape}] · [${b.shape}]`);
  const rows = must(a.shape.at(-2), "MatMul rows");
  const columns = lastOf(b.shape);
  const leading =
    b.shape.length === 2 ? a.shape.slice(0, -2) : broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
  return { type: a.type, shape: [...leading, rows, columns] };
}

function addDimensions(a: Dimension | undefined, b: Dimension | undefined): Dimension {
  return typeof a === "number" && typeof b === "number" ? a + b : `${a}+${b}`;
}

function lastOf(shape: Shape): Dimension {
  return must(shape.at(-1), "last axis");
}

function assertSame(a: unknown, b: unknown, what: string): void {
  if (a !== b) throw new Error(`${what}: ${String(a)} is not ${String(b)}`);
}

export function must<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`Missing: ${what}`);
  return value;
}
