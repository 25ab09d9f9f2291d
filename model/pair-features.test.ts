import { expect, test } from "vitest";
import { featureWidth, pairFeatures } from "./pair-features.ts";

test("pair features are |u - v|/2, u ⊙ v/2 and 3 u · v, the same whichever text comes first", () => {
  const [u, v] = [Float32Array.of(0.5, -1, 2), Float32Array.of(1, 1, 0.5)];
  const features = pairFeatures(u, v);
  expect([...features]).toEqual([0.25, 1, 0.75, 0.25, -0.5, 0.5, 1.5]);
  expect(features).toHaveLength(featureWidth(3, "dual"));
  expect(pairFeatures(v, u)).toEqual(features);
  expect(featureWidth(3, "joint")).toBe(3);
});
