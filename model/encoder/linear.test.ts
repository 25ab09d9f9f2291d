import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GraphBuilder } from "../graph/builder.ts";
import { INT8_PAIR_MAX } from "../graph/ops.ts";
import { Session } from "../runtime/session.ts";
import { createLinear, quantizeColumns } from "./linear.ts";
import type { Linear } from "./weights.ts";

/** Smaller weights may count as 0. */
const TINY = 1e-30;

const numbers = (length: number, size = 1) =>
  fc.array(fc.double({ min: -size, max: size, noNaN: true }), { minLength: length, maxLength: length });
const linears = fc
  .record({
    inputs: fc.integer({ min: 1, max: 20 }).map((pairs) => 2 * pairs),
    outputs: fc.integer({ min: 1, max: 6 }),
  })
  .chain(({ inputs, outputs }) =>
    fc.record({
      inputs: fc.constant(inputs),
      linear: fc.record({
        weight: numbers(inputs * outputs).map((values) => Float32Array.from(values)),
        bias: numbers(outputs).map((values) => Float32Array.from(values)),
      }),
      rows: fc.array(numbers(inputs, 20), { maxLength: 5 }),
    }),
  );

describe("weights of 8 bits", () => {
  test("are within half a step of the weight, and each column adds up to 0", () => {
    fc.assert(
      fc.property(linears, ({ inputs, linear }) => {
        const { weight, scales_N } = quantizeColumns(linear);
        const outputs = scales_N.length;
        for (const [column, scale] of scales_N.entries()) {
          let sum = 0;
          for (let row = 0; row * outputs < weight.length; row++) {
            const steps = weight[row * outputs + column] ?? Number.NaN;
            sum += steps;
            if (row >= inputs) continue;
            const original = linear.weight[row * outputs + column] ?? Number.NaN;
            expect(Math.abs(steps * scale - original)).toBeLessThanOrEqual(0.501 * scale + TINY);
          }
          expect(sum).toBe(0);
        }
      }),
    );
  });

  test("add up in pairs to no more than 16 bits hold with the largest states", () => {
    fc.assert(
      fc.property(linears, ({ linear }) => {
        const { weight, scales_N } = quantizeColumns(linear);
        const outputs = scales_N.length;
        for (const [at, first] of weight.entries()) {
          if (Math.floor(at / outputs) % 2 === 1) continue;
          const second = weight[at + outputs] ?? 0;
          const largest = Math.max(Math.abs(first), Math.abs(second), Math.abs(first + second));
          expect(largest).toBeLessThanOrEqual(INT8_PAIR_MAX);
        }
      }),
    );
  });
});

describe("a product in int8", () => {
  test("is as near to the exact one as half a step of each weight and each number allows", async () => {
    await fc.assert(
      fc.asyncProperty(linears, async ({ inputs, linear, rows }) => {
        const y = await product(linear, inputs, rows);
        const { weight, scales_N } = quantizeColumns(linear);
        const outputs = scales_N.length;
        for (const [at, row] of rows.entries()) {
          const step = (Math.max(0, ...row) - Math.min(0, ...row)) / 255;
          for (const [column, scale] of scales_N.entries()) {
            let exact = linear.bias[column] ?? Number.NaN;
            let bound = 1e-4;
            for (const [k, x] of row.entries()) {
              exact += x * (linear.weight[k * outputs + column] ?? Number.NaN);
              const rounded = Math.abs((weight[k * outputs + column] ?? Number.NaN) * scale);
              bound += 0.501 * scale * Math.abs(x) + 1.01 * step * rounded;
            }
            expect(Math.abs((y[at * outputs + column] ?? Number.NaN) - exact)).toBeLessThanOrEqual(bound);
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  test("is exact where all products are of one sign and as large as they can be", async () => {
    const [inputs, outputs] = [64, 16];
    const linear = {
      weight: new Float32Array(inputs * outputs).fill(1),
      bias: new Float32Array(outputs),
    };
    for (const y of await product(linear, inputs, [new Array(inputs).fill(255)])) {
      expect(Math.abs(y / (inputs * 255) - 1)).toBeLessThan(0.01);
    }
  });

  test("of a row does not depend on the rows beside it", async () => {
    const linear = {
      weight: Float32Array.from({ length: 64 }, (_, at) => Math.sin(at)),
      bias: new Float32Array(4),
    };
    const rows = [0.01, 1, 100].map((size) => Array.from({ length: 16 }, (_, k) => size * Math.cos(k)));
    const together = await product(linear, 16, rows);
    for (const [at, row] of rows.entries()) {
      expect([...(await product(linear, 16, [row]))]).toEqual([...together.subarray(4 * at, 4 * at + 4)]);
    }
  });

  test("of a row of zeros is the bias", async () => {
    const linear = { weight: Float32Array.of(1, 2), bias: Float32Array.of(3) };
    expect([...(await product(linear, 2, [[0, 0]]))]).toEqual([3]);
  });
});

async function product(linear: Linear, inputs: number, rows: readonly (readonly number[])[]) {
  const builder = new GraphBuilder();
  const x = builder.input("x", ["N", inputs]);
  builder.output("y", createLinear(builder, "int8")(x, linear));
  const session = await Session.create(builder.build(), { threads: 1 });
  try {
    const data = Float32Array.from(rows.flat());
    return (await session.run({ x: { data, shape: [rows.length, inputs] } }, ["y"])).y;
  } finally {
    await session.close();
  }
}
