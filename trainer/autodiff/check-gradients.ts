// Compares gradients with central finite differences in float64. Used by tests only.
import { type Dimension, GraphBuilder, must, type Tensor } from "#model/graph";
import { type Feed, Session } from "#model/runtime/session";
import { backward } from "./backward.ts";

export interface GradientCase {
  /** Float inputs that are differentiated; sizes given by numbers. */
  readonly inputs: Readonly<
    Record<string, { shape: readonly number[]; dims?: readonly Dimension[]; data: Float64Array }>
  >;
  /** int32 inputs. */
  readonly indices?: Readonly<Record<string, { shape: readonly number[]; data: Int32Array }>>;
  /** Adds the computation and returns the tensor whose weighted sum is the loss. */
  build(builder: GraphBuilder, tensors: Readonly<Record<string, Tensor>>): Tensor;
}

/** Largest |analytic - numeric| / max(1, |numeric|) over every number of every input. */
export async function gradientError(spec: GradientCase, epsilon = 1e-4): Promise<number> {
  const builder = new GraphBuilder("float64");
  const tensors: Record<string, Tensor> = {};
  for (const [name, { shape, dims }] of Object.entries(spec.inputs))
    tensors[name] = builder.input(name, dims ?? shape);
  for (const [name, { shape }] of Object.entries(spec.indices ?? {})) {
    tensors[name] = builder.input(name, shape, "int32");
  }
  const loss = weightedSum(builder, spec.build(builder, tensors));
  const names = Object.keys(spec.inputs);
  const grads = backward(
    builder,
    loss,
    names.map((name) => tensors[name] as Tensor),
  );
  builder.output("loss", loss);
  for (const [index, name] of names.entries()) builder.output(`grad ${name}`, grads[index] as Tensor);
  const session = await Session.create(builder.build(), { threads: 1 });
  try {
    return await compare(session, spec, epsilon);
  } finally {
    await session.close();
  }
}

async function compare(session: Session, spec: GradientCase, epsilon: number): Promise<number> {
  const feeds: Record<string, Feed> = { ...spec.inputs, ...spec.indices };
  const lossAt = async (replaced: Record<string, Feed>) =>
    Number((await session.run({ ...feeds, ...replaced }, ["loss"])).loss[0]);
  let worst = 0;
  for (const [name, { shape, data }] of Object.entries(spec.inputs)) {
    const key = `grad ${name}` as const;
    const analytic = must((await session.run(feeds, [key]))[key], key);
    if (analytic.length !== data.length)
      throw new Error(`Gradient of ${name} has ${analytic.length} numbers`);
    for (let i = 0; i < data.length; i++) {
      const shifted = async (by: number) => {
        const moved = data.slice();
        moved[i] = (moved[i] ?? 0) + by;
        return lossAt({ [name]: { shape, data: moved } });
      };
      const numeric = ((await shifted(epsilon)) - (await shifted(-epsilon))) / (2 * epsilon);
      worst = Math.max(worst, Math.abs(Number(analytic[i]) - numeric) / Math.max(1, Math.abs(numeric)));
    }
  }
  return worst;
}

/** Σ yᵢ · cos(yᵢ's mean-free weight): every entry counts, and counts differently. */
function weightedSum(builder: GraphBuilder, y: Tensor): Tensor {
  const size = y.shape.reduce<number>((product, dimension) => product * Number(dimension), 1);
  const weights = Float32Array.from({ length: size }, (_, index) => Math.cos(index + 1));
  const flat = builder.reshape(y, [size], [size]);
  const product = builder.apply("Mul", [flat, builder.constant(weights, [size])]);
  return builder.reshape(builder.apply("ReduceSum", [product], { axes: [0] }), [1], [1]);
}
