import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { AdamW } from "./adamw.ts";

const numbers = z.array(z.number());
const golden = z
  .object({
    cases: z.array(
      z.object({
        betas: z.tuple([z.number(), z.number()]),
        weightDecay: z.number(),
        learningRates: numbers,
        parameters: z.array(
          z.object({
            decay: z.boolean(),
            rateFactor: z.number(),
            start: numbers,
            gradients: z.array(numbers),
            after: z.array(numbers),
          }),
        ),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL("../../test/fixtures/golden/adamw.json", import.meta.url), "utf8")));

describe("AdamW", () => {
  test.each(golden.cases)(
    "with betas $betas and decay $weightDecay takes PyTorch's five steps to 1e-6",
    (spec) => {
      const parameters = spec.parameters.map(({ decay, rateFactor, start }) => ({
        value: Float32Array.from(start),
        decay,
        rateFactor,
      }));
      const optimizer = new AdamW(parameters, { betas: spec.betas, weightDecay: spec.weightDecay });
      expect(spec.learningRates).toHaveLength(5);
      for (const [step, rate] of spec.learningRates.entries()) {
        const gradients = spec.parameters.map((parameter) =>
          Float32Array.from(parameter.gradients[step] ?? []),
        );
        optimizer.step(gradients, rate);
        for (const [index, { value }] of parameters.entries()) {
          const after = spec.parameters[index]?.after[step] ?? [];
          expect(value).toHaveLength(after.length);
          for (const [i, expected] of after.entries()) {
            expect(Math.abs((value[i] ?? Number.NaN) - expected)).toBeLessThan(1e-6);
          }
        }
      }
    },
  );

  test("decays, under a gradient of zero, only the parameters that ask for it", () => {
    const matrix = { value: Float32Array.of(1, -2), decay: true };
    const bias = { value: Float32Array.of(1, -2), decay: false };
    new AdamW([matrix, bias], { weightDecay: 0.5 }).step([new Float32Array(2), new Float32Array(2)], 0.1);
    expect([...matrix.value]).toEqual([Math.fround(0.95), Math.fround(-1.9)]);
    expect([...bias.value]).toEqual([1, -2]);
  });

  test("refuses gradients that do not fit its parameters", () => {
    const optimizer = new AdamW([{ value: new Float32Array(2), decay: false }]);
    expect(() => optimizer.step([new Float32Array(3)], 0.1)).toThrow("does not fit");
    expect(() => optimizer.step([], 0.1)).toThrow("does not fit");
  });
});
