import { describe, expect, test } from "vitest";
import { Session } from "../runtime/session.ts";
import { type Graph, GraphBuilder } from "./builder.ts";
import { must } from "./ops.ts";
import { serializeGraph } from "./serialize.ts";

interface Field {
  readonly number: number;
  readonly value: bigint | Uint8Array;
}

/** A protobuf reader of varints, floats and length-delimited fields, apart from the writer under test. */
function fieldsOf(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let offset = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = must(bytes[offset++], "byte");
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const take = (length: number) => {
    expect(offset + length).toBeLessThanOrEqual(bytes.length);
    offset += length;
    return bytes.subarray(offset - length, offset);
  };
  while (offset < bytes.length) {
    const key = Number(varint());
    const wire = key & 7;
    expect([0, 2, 5]).toContain(wire);
    const value = wire === 0 ? varint() : take(wire === 5 ? 4 : Number(varint()));
    fields.push({ number: key >> 3, value });
  }
  return fields;
}

const all = (fields: readonly Field[], number: number) =>
  fields.filter((field) => field.number === number).map(({ value }) => value);
const messages = (fields: readonly Field[], number: number) =>
  all(fields, number).map((value) => fieldsOf(value as Uint8Array));
const message = (fields: readonly Field[], number: number) => must(messages(fields, number)[0], "message");
const texts = (fields: readonly Field[], number: number) =>
  all(fields, number).map((value) => Buffer.from(value as Uint8Array).toString());

/** ModelProto.graph of the serialized graph. */
const bodyOf = (graph: Graph) => message(fieldsOf(serializeGraph(graph)), 7);

/** ValueInfoProto → name, element type, dimensions by name or number. */
function valueInfo(fields: readonly Field[]) {
  const tensorType = message(message(fields, 2), 1);
  const dims = messages(message(tensorType, 2), 1).map(
    (dim) => texts(dim, 2)[0] ?? Number(must(all(dim, 1)[0], "dim_value")),
  );
  return { name: texts(fields, 1)[0], type: Number(all(tensorType, 1)[0]), dims };
}

describe("serializeGraph", () => {
  test("writes an ONNX model of opset 20 and IR version 9", () => {
    const builder = new GraphBuilder();
    builder.output("y", builder.apply("Neg", [builder.input("x", ["B"])]));
    const model = fieldsOf(serializeGraph(builder.build()));
    expect(all(model, 1)).toEqual([9n]);
    expect(all(message(model, 8), 2)).toEqual([20n]);
    expect(texts(message(model, 8), 1)).toEqual([""]);
  });

  test("writes named dimensions as names and known ones as numbers, with the element type", () => {
    const builder = new GraphBuilder();
    const x = builder.input("x", ["R", "T", 300]);
    const at = builder.input("at", ["S"], "int32");
    builder.output("y", builder.apply("Gather", [x, at]));
    const body = bodyOf(builder.build());
    expect(messages(body, 11).map(valueInfo)).toEqual([
      { name: "x", type: 1, dims: ["R", "T", 300] },
      { name: "at", type: 6, dims: ["S"] },
    ]);
    expect(messages(body, 12).map(valueInfo)).toEqual([{ name: "y", type: 1, dims: ["S", "T", 300] }]);
  });

  test("writes negative integers of attributes and shapes as they are meant", () => {
    const builder = new GraphBuilder();
    const x = builder.input("x", ["B", 4]);
    builder.output("y", builder.reshape(builder.apply("Softmax", [x]), [-1, 2], ["B2", 2]));
    const body = bodyOf(builder.build());
    const softmax = must(
      messages(body, 1).find((node) => texts(node, 4)[0] === "Softmax"),
      "Softmax",
    );
    const axis = message(softmax, 5);
    expect(texts(axis, 1)).toEqual(["axis"]);
    expect(BigInt.asIntN(64, all(axis, 3)[0] as bigint)).toBe(-1n);
    const [sizes] = messages(body, 5);
    const raw = all(sizes ?? [], 9)[0] as Uint8Array;
    expect([...new BigInt64Array(raw.slice().buffer)]).toEqual([-1n, 2n]);
  });

  test("gives the same bytes for the same graph", () => {
    const build = () => {
      const builder = new GraphBuilder();
      const x = builder.input("x", ["B", 2]);
      builder.output("y", builder.apply("Add", [x, builder.constant(Float32Array.of(1, 2), [2])]));
      return serializeGraph(builder.build());
    };
    expect(build()).toEqual(build());
  });

  test("gives a model that runs at any size of its named dimensions", async () => {
    const builder = new GraphBuilder();
    const x = builder.input("x", ["B", "T", 2]);
    const flat = builder.reshape(x, [-1, 2], ["X", 2]);
    builder.output("sum", builder.apply("ReduceSum", [flat], { axes: [0] }));
    builder.output("x again", x);
    const session = await Session.create(builder.build(), { threads: 1 });
    try {
      for (const [b, t] of [
        [1, 1],
        [2, 3],
      ] as const) {
        const data = Float32Array.from({ length: b * t * 2 }, (_, index) => (index % 2 === 0 ? 1 : -2));
        const results = await session.run({ x: { data, shape: [b, t, 2] } }, ["sum", "x again"]);
        expect([...results.sum]).toEqual([b * t, -2 * b * t]);
        expect(results["x again"]).toEqual(data);
      }
    } finally {
      await session.close();
    }
  });

  test.each(["float32", "float64"] as const)("computes in %s what it is told to", async (floatType) => {
    const builder = new GraphBuilder(floatType);
    const x = builder.input("x", [1, 4]);
    builder.output("gelu", builder.apply("Gelu", [x]));
    const vector = (...values: number[]) => builder.constant(Float32Array.from(values), [4]);
    const norm = builder.applyAll("LayerNormalization", [x, vector(1, 2, 1, 1), vector(0, 0, 0, 1)], {
      epsilon: 1e-5,
    });
    builder.output("norm", must(norm[0], "y"));
    const session = await Session.create(builder.build(), { threads: 1 });
    const values = [-1, 0, 0.5, 2];
    const Values = floatType === "float32" ? Float32Array : Float64Array;
    const { gelu, norm: y } = await session.run({ x: { data: Values.from(values), shape: [1, 4] } }, [
      "gelu",
      "norm",
    ]);
    await session.close();
    // x · Φ(x), from a table of the normal distribution.
    const digits = floatType === "float32" ? 5 : 9;
    for (const [index, expected] of [-0.1586552539, 0, 0.3457312306, 1.9544997361].entries()) {
      expect(gelu[index]).toBeCloseTo(expected, digits);
    }
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - 0.375) ** 2, 0) / 4 + 1e-5);
    const unit = values.map((value) => (value - 0.375) / deviation);
    const expected = [unit[0], 2 * (unit[1] ?? 0), unit[2], (unit[3] ?? 0) + 1];
    for (const [index, value] of expected.entries())
      expect(y[index]).toBeCloseTo(value ?? Number.NaN, digits);
  });
});
