import { describe, expect, test } from "vitest";
import { GraphBuilder, type Tensor } from "./builder.ts";
import { broadcastShapes, type Shape } from "./ops.ts";

const builder = new GraphBuilder();
const tensor = (...shape: Shape): Tensor => ({ id: "x", type: "float32", shape });
const integers = (...shape: Shape): Tensor => ({ id: "i", type: "int32", shape });

describe("shape rules", () => {
  test.each([
    { a: ["B", 3], b: [3], result: ["B", 3] },
    { a: ["B", 1], b: [1, "T"], result: ["B", "T"] },
    { a: [], b: ["B"], result: ["B"] },
    { a: ["R", 1, 1, "T"], b: ["R", 1, "T", "T"], result: ["R", 1, "T", "T"] },
  ])("broadcast [$a] with [$b] to [$result], and the other way round", ({ a, b, result }) => {
    expect(broadcastShapes(a, b)).toEqual(result);
    expect(broadcastShapes(b, a)).toEqual(result);
  });

  test("give a product the rows of its left and the columns of its right factor", () => {
    expect(builder.apply("MatMul", [tensor("R", "T", 4), tensor(4, "M")]).shape).toEqual(["R", "T", "M"]);
    expect(builder.apply("MatMul", [tensor("R", 2, "T", 4), tensor("R", 2, 4, "U")]).shape).toEqual([
      "R",
      2,
      "T",
      "U",
    ]);
  });

  test("give a concatenation a first dimension of its own, and a gather the indices' shape", () => {
    expect(builder.apply("Concat", [tensor("X", 4), tensor("Q", 4)]).shape).toEqual(["X+Q", 4]);
    expect(builder.apply("Concat", [tensor(2, 4), tensor(3, 4)]).shape).toEqual([5, 4]);
    expect(builder.apply("Gather", [tensor("X", 4), integers("R", "T")]).shape).toEqual(["R", "T", 4]);
  });
});

describe("shape rules refuse, naming both sides,", () => {
  test("dimensions that do not broadcast, be they numbers or names", () => {
    expect(() => builder.apply("Add", [tensor("B", 3), tensor(4)])).toThrow(
      "Cannot broadcast [B,3] with [4]",
    );
    expect(() => builder.apply("Mul", [tensor("B"), tensor("T")])).toThrow("Cannot broadcast [B] with [T]");
  });

  test("factors whose inner dimensions differ", () => {
    expect(() => builder.apply("MatMul", [tensor("B", 3), tensor(4, 5)])).toThrow(
      "MatMul [B,3] · [4,5]: 3 is not 4",
    );
  });

  test("numbers of different types", () => {
    expect(() => builder.apply("Add", [tensor("B"), integers("B")])).toThrow("float32 is not int32");
  });

  test("norms by row with an index too few, or of another width", () => {
    const normalize = (rows: Tensor, scales: Tensor) => () =>
      builder.apply("LayerNormalizationByRow", [
        ...[tensor("R", "T", 4), rows, tensor(4), tensor(4)],
        ...[scales, tensor("A", 4)],
      ]);
    expect(normalize(integers("R"), tensor("A", 4))).toThrow("LayerNormalizationByRow rows: R is not R,T");
    expect(normalize(integers("R", "T"), tensor("A", 5))).toThrow(
      "LayerNormalizationByRow scales: 5 is not 4",
    );
  });

  test("low-rank updates by row with a group too few, or of another width", () => {
    const update = (own: Tensor, up: Tensor) => () =>
      builder.apply("AddLowRankByRow", [
        ...[tensor("R", "T", 4), tensor("R", "T", 3), own],
        ...[tensor("R", "G", 3, 16), up],
      ]);
    const own = tensor("R", "G", "T", 16);
    expect(update(tensor("R", "H", "T", 16), tensor("R", "G", 16, 4))).toThrow(
      "AddLowRankByRow own: R,H,T,16 is not R,G,T,16",
    );
    expect(update(own, tensor("R", "G", 8, 4))).toThrow("AddLowRankByRow up: R,G,8,4 is not R,G,16,4");
    expect(update(own, tensor("R", "G", 16, 5))).toThrow("AddLowRankByRow y: R,T,4 is not R,T,5");
  });

  test("rows of different widths in a concatenation", () => {
    expect(() => builder.apply("Concat", [tensor("X", 4), tensor("Q", 5)])).toThrow(
      "Concat rows: 4 is not 5",
    );
  });

  test("a normalisation whose gamma or beta is not of the last axis", () => {
    const normalize = (gamma: Tensor, beta: Tensor) => () =>
      builder.apply("LayerNormalization", [tensor("R", "T", 4), gamma, beta], { epsilon: 1e-5 });
    expect(normalize(tensor(3), tensor(4))).toThrow("LayerNormalization gamma: 4 is not 3");
    expect(normalize(tensor(4), tensor(5))).toThrow("LayerNormalization beta: 4 is not 5");
  });

  test("a missing input or attribute", () => {
    expect(() => builder.apply("Add", [tensor("B")])).toThrow("Missing: b");
    expect(() => builder.apply("Transpose", [tensor("B", 2)])).toThrow("Missing: Transpose perm");
    expect(() => builder.apply("Transpose", [tensor("B", 2)], { perm: [0, 2] })).toThrow(
      "Missing: Transpose axis",
    );
  });

  test("a constant whose numbers do not fill its shape", () => {
    expect(() => builder.constant(new Float32Array(5), [2, 3])).toThrow("Constant of 5 numbers is not [2,3]");
  });

  test("a mean over an axis whose length is known by name alone", () => {
    expect(() => builder.meanOverLast(tensor(2, "T"))).toThrow("unknown length T");
  });
});
