import { describe, expect, test } from "vitest";
import { judgeLabelNames, labelNameTexts } from "./label-names.ts";

describe("the texts of a label", () => {
  test.each([
    ["card_payment-fee", "card payment fee"],
    ["cardPaymentFee", "card Payment Fee"],
    [" Übergröße / Maß ", "Übergröße Maß"],
    ["$1 & $&", "$1 & $&"],
  ])("say %j in words, each in another setting", (label, name) => {
    const texts = labelNameTexts(label);
    expect(texts).toContain(name);
    expect(texts).toContain(`This is ${name}.`);
    expect(texts.every((text) => text.includes(name))).toBe(true);
    expect(new Set(texts).size).toBe(texts.length);
  });
});

describe("names are taught", () => {
  const width = 2;
  /** Unit vectors at the given degrees. */
  const at = (degrees: readonly number[], labels: readonly number[]) => ({
    features_BD: Float32Array.from(
      degrees.flatMap((angle) => [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)]),
    ),
    labels,
  });
  const labels = [0, 0, 0, 0, 1, 1, 1, 1];

  test("where the examples are as near to them as to each other", () => {
    const examples = at([0, 5, 10, 15, 90, 95, 100, 105], labels);
    const names = at([20, 80], [0, 1]);
    expect(judgeLabelNames(examples, names, { width, classes: 2 })).toEqual({
      ...{ taught: true, accuracy: 1, examplesAccuracy: 1 },
    });
  });

  test("not where they stand for the other class", () => {
    const examples = at([0, 5, 10, 15, 90, 95, 100, 105], labels);
    const names = at([80, 20], [0, 1]);
    expect(judgeLabelNames(examples, names, { width, classes: 2 })).toEqual({
      ...{ taught: false, accuracy: 0, examplesAccuracy: 1 },
    });
  });

  test("where a class's only example leaves nothing to judge it by but its name", () => {
    const examples = at([0, 5, 10, 90], [0, 0, 0, 1]);
    const names = at([0, 90], [0, 1]);
    const report = judgeLabelNames(examples, names, { width, classes: 2 });
    expect(report).toEqual({ taught: true, accuracy: 1, examplesAccuracy: 0.75 });
  });
});
