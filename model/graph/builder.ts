// Builds a graph of the ops of ops.ts, node by node, each checked by its shape rule as it is added.
// A graph knows nothing of ONNX; serialize.ts turns it into a model.
import {
  type Attributes,
  type ElementType,
  type FloatType,
  must,
  type OpName,
  opTable,
  type Shape,
} from "./ops.ts";

export interface Tensor {
  readonly id: string;
  readonly type: ElementType;
  readonly shape: Shape;
}

export interface GraphNode {
  readonly op: OpName;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly attributes: Attributes;
}

export interface Constant {
  readonly tensor: Tensor;
  readonly data: Float32Array | Float64Array | Int8Array | Uint8Array | Int32Array | BigInt64Array;
}

type ConstantData = Float32Array | Int8Array | Int32Array;

export interface Graph {
  readonly floatType: FloatType;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly { name: string; tensor: Tensor }[];
  readonly constants: readonly Constant[];
  readonly nodes: readonly GraphNode[];
}

export class GraphBuilder {
  readonly floatType: FloatType;
  readonly nodes: GraphNode[] = [];
  readonly #inputs: Tensor[] = [];
  readonly #constants: Constant[] = [];
  readonly #outputs: { name: string; tensor: Tensor }[] = [];
  readonly #scalars = new Map<number, Tensor>();
  readonly #constantOf = new Map<ConstantData, Tensor>();
  #nextId = 0;

  constructor(floatType: FloatType = "float32") {
    this.floatType = floatType;
  }

  /** A float input, fed at every run. */
  input(name: string, shape: Shape, type: ElementType = this.floatType): Tensor {
    const tensor = { id: name, type, shape };
    this.#inputs.push(tensor);
    return tensor;
  }

  /** Frozen numbers, stored in the model once an array. Data is kept by reference until serialization. */
  constant(data: ConstantData, shape: readonly number[]): Tensor {
    const size = shape.reduce((product, dimension) => product * dimension, 1);
    if (size !== data.length) throw new Error(`Constant of ${data.length} numbers is not [${shape}]`);
    const known = this.#constantOf.get(data);
    if (known?.shape.join() === shape.join()) return known;
    const type = data instanceof Float32Array ? this.floatType : data instanceof Int8Array ? "int8" : "int32";
    const tensor = { id: this.#freshId(), type, shape } as const;
    this.#constants.push({ tensor, data });
    this.#constantOf.set(data, tensor);
    return tensor;
  }

  scalar(value: number): Tensor {
    const known = this.#scalars.get(value);
    if (known) return known;
    const tensor = { id: this.#freshId(), type: this.floatType, shape: [] };
    this.#constants.push({ tensor, data: Float64Array.of(value) });
    this.#scalars.set(value, tensor);
    return tensor;
  }

  output(name: string, tensor: Tensor): void {
    this.#outputs.push({ name, tensor });
  }

  /** Adds a node and returns its first output. */
  apply(op: OpName, inputs: readonly Tensor[], attributes: Attributes = {}): Tensor {
    return must(this.applyAll(op, inputs, attributes)[0], "output");
  }

  /** Adds a node and returns all its outputs. Throws when the inputs do not fit the op's rule. */
  applyAll(op: OpName, inputs: readonly Tensor[], attributes: Attributes = {}): readonly Tensor[] {
    const types = opTable[op](inputs, attributes);
    const outputs = types.map(({ type, shape }) => ({ id: this.#freshId(), type, shape }));
    this.nodes.push({ op, inputs, outputs, attributes });
    return outputs;
  }

  /**
   * x in another shape of as many numbers. `target` is what the runtime is told (0 keeps the axis of
   * that place, -1 is inferred); `shape` names the result's dimensions.
   */
  reshape(x: Tensor, target: readonly number[], shape: Shape): Tensor {
    const sizes = this.#integers(target);
    return this.apply("Reshape", [x, sizes], { shape });
  }

  /** x with the shape of `like`; both hold as many numbers. */
  reshapeLike(x: Tensor, like: Tensor): Tensor {
    return this.apply("Reshape", [x, this.apply("ShapeOf", [like])], { shape: like.shape });
  }

  /** Mean over one axis, kept with size 1; `size` is that axis' length, known by number. */
  meanOverLast(x: Tensor): Tensor {
    const size = x.shape.at(-1);
    if (typeof size !== "number") throw new Error(`Mean over an axis of unknown length ${size}`);
    const sum = this.apply("ReduceSum", [x], { axes: [x.shape.length - 1] });
    return this.apply("Mul", [sum, this.scalar(1 / size)]);
  }

  /** Only what the outputs depend on: gradients leave branches that nothing reads, and a runtime computes them. */
  build(): Graph {
    const needed = new Set(this.#outputs.map(({ tensor }) => tensor.id));
    const nodes = this.nodes
      .toReversed()
      .filter(({ inputs, outputs }) => {
        if (!outputs.some(({ id }) => needed.has(id))) return false;
        for (const { id } of inputs) needed.add(id);
        return true;
      })
      .reverse();
    return {
      floatType: this.floatType,
      inputs: this.#inputs,
      outputs: this.#outputs,
      constants: this.#constants.filter(({ tensor }) => needed.has(tensor.id)),
      nodes,
    };
  }

  #integers(values: readonly number[]): Tensor {
    const tensor: Tensor = { id: this.#freshId(), type: "int64", shape: [values.length] };
    this.#constants.push({ tensor, data: BigInt64Array.from(values.map(BigInt)) });
    return tensor;
  }

  #freshId(): string {
    return `t${this.#nextId++}`;
  }
}
