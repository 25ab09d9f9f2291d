import { expect, test } from "vitest";
import { GraphBuilder } from "./builder.ts";

test("a built graph holds only what its outputs depend on, in the order it was added", () => {
  const builder = new GraphBuilder();
  const x = builder.input("x", ["B"]);
  const unread = builder.constant(Float32Array.of(1), [1]);
  builder.apply("Exp", [builder.apply("Mul", [x, unread])]);
  const sum = builder.apply("Add", [x, builder.scalar(2)]);
  builder.output("y", builder.apply("Neg", [sum]));
  builder.apply("Sqrt", [sum]);
  const { nodes, constants, inputs } = builder.build();
  expect(nodes.map(({ op }) => op)).toEqual(["Add", "Neg"]);
  expect(constants).toHaveLength(1);
  expect(inputs).toEqual([x]);
});

test("an array that is given twice is one constant", () => {
  const builder = new GraphBuilder();
  const table = Float32Array.of(1, 2);
  expect(builder.constant(table, [2])).toBe(builder.constant(table, [2]));
  expect(builder.constant(table, [1, 2])).not.toBe(builder.constant(table, [2]));
});
