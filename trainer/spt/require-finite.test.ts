import { expect, it } from "vitest";
import { requireFinite } from "./require-finite.ts";

const at = { step: 11, learningRate: 0.5 };

it.each([
  { loss: Number.NaN, norm: 1 },
  { loss: 1, norm: Number.NaN },
  { loss: Number.POSITIVE_INFINITY, norm: 1 },
])("ends a training of loss $loss and gradients of norm $norm, and says what to change", (step) => {
  expect(() => requireFinite(step, at)).toThrow(
    expect.objectContaining({
      code: "invalid_options",
      publicMessage: expect.stringMatching(/diverged at step 12.*below 0\.5/),
    }),
  );
});

it("lets any other go on", () => {
  expect(() => requireFinite({ loss: 1e30, norm: 0 }, at)).not.toThrow();
});
