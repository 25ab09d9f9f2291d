// Which precision a machine serves in when none is asked for.

import { createLinear, type Precision, type PrecisionChoice } from "../encoder/linear.ts";
import { GraphBuilder } from "../graph/builder.ts";
import { INT8_MAX, UINT8_MAX } from "../graph/ops.ts";
import { Session } from "./session.ts";

let measured: Promise<Precision> | undefined;

/**
 * "auto": int8 where this machine sums products of 8-bit integers exactly. Processors without instructions
 * for it (VNNI on x64, dot products on arm64) let pairs of large products saturate, and gain little.
 */
export async function choosePrecision(choice: PrecisionChoice): Promise<Precision> {
  if (choice !== "auto") return choice;
  measured ??= sumsExactly().then((isExact) => (isExact ? "int8" : "fp32"));
  return measured;
}

/** Whether the largest products there are, all of one sign, add up. */
async function sumsExactly(): Promise<boolean> {
  const [inputs, outputs] = [64, 16];
  const builder = new GraphBuilder();
  const weight = new Float32Array(inputs * outputs).fill(INT8_MAX);
  const linear = { weight, bias: new Float32Array(outputs) };
  const x = builder.input("x", [1, inputs]);
  builder.output("y", createLinear(builder, "int8")(x, linear));
  const session = await Session.create(builder.build(), { threads: 1 });
  try {
    const data = new Float32Array(inputs).fill(UINT8_MAX);
    const { y } = await session.run({ x: { data, shape: [1, inputs] } }, ["y"]);
    const expected = inputs * INT8_MAX * UINT8_MAX;
    return y.every((sum) => Math.abs(sum / expected - 1) < 1e-5);
  } finally {
    await session.close();
  }
}
