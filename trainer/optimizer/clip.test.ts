import { describe, expect, test } from "vitest";
import { clipByGlobalNorm } from "./clip.ts";

describe("clipByGlobalNorm", () => {
  test("scales all gradients by one factor so that their joint norm is the most allowed", () => {
    const gradients = [Float32Array.of(3, 0), Float32Array.of(0, -4)];
    expect(clipByGlobalNorm(gradients, 1)).toBe(5);
    expect(gradients.map((gradient) => Array.from(gradient, (value) => value.toFixed(6)))).toEqual([
      ["0.600000", "0.000000"],
      ["0.000000", "-0.800000"],
    ]);
  });

  test("leaves gradients of a norm within the limit, or of zero, as they are", () => {
    const gradients = [Float32Array.of(0.3), Float32Array.of(0.4)];
    expect(clipByGlobalNorm(gradients, 1)).toBeCloseTo(0.5, 6);
    expect(gradients).toEqual([Float32Array.of(0.3), Float32Array.of(0.4)]);
    const none = [new Float32Array(2)];
    expect(clipByGlobalNorm(none, 1)).toBe(0);
    expect(none).toEqual([new Float32Array(2)]);
  });
});
