import { expect, test } from "vitest";
import { makeTinyBackbone } from "../../test/helpers/tiny-backbone.ts";
import { parseBackbone } from "../backbone.ts";
import { int8Digest } from "./int8-digest.ts";

test("the int8 encoder of a backbone has one digest, and another's another", () => {
  const { weights } = parseBackbone("tiny", makeTinyBackbone());
  expect(int8Digest(weights)).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(int8Digest(weights)).toBe(int8Digest(parseBackbone("again", makeTinyBackbone()).weights));
  const [first, ...others] = weights.layers;
  const changed = { ...first, key: { ...first?.key, weight: first?.key.weight.map((value) => -value) } };
  expect(int8Digest({ layers: [changed as NonNullable<typeof first>, ...others] })).not.toBe(
    int8Digest(weights),
  );
});
