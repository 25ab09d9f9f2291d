import { expect, test } from "vitest";
import { featureWidth, pairFeatures } from "./pair-features.ts";

test("pair features are |u - v|, u ⊙ v and u · v, the same whichever text comes first", () => {
  const [u, v] = [Float32Array.of(0.5, -1, 2), Float32Array.of(1, 1, 0.25)];
  const features = pairFeatures(u, v);
  expect([...features]).toEqual([0.5, 2, 1.75, 0.5, -1, 0.5, 0]);
  expect(features).toHaveLength(featureWidth(3, "dual"));
  expect(pairFeatures(v, u)).toEqual(features);
  expect(featureWidth(3, "joint")).toBe(3);
});
