import { describe, expect, test } from "vitest";
import { GraphBuilder, type Tensor } from "../graph/builder.ts";
import { Session } from "../runtime/session.ts";
import { blendPrompts, gateValue, presenceBias, promptPresence, reparameterizeGates } from "./gate.ts";

/** Runs a graph of float64 inputs of one number each. */
async function compute(
  inputs: Readonly<Record<string, number>>,
  build: (builder: GraphBuilder, tensors: readonly Tensor[]) => readonly Tensor[],
): Promise<number[]> {
  const builder = new GraphBuilder("float64");
  const tensors = Object.keys(inputs).map((name) => builder.input(name, [1]));
  const outputs = build(builder, tensors);
  const names = outputs.map((tensor, index) => {
    builder.output(`out ${index}`, tensor);
    return `out ${index}`;
  });
  const session = await Session.create(builder.build(), { threads: 1 });
  try {
    const feeds = Object.entries(inputs).map(([name, value]) => [
      name,
      { data: Float64Array.of(value), shape: [1] },
    ]);
    const results = await session.run(Object.fromEntries(feeds), names);
    return names.map((name) => Number(results[name]?.[0]));
  } finally {
    await session.close();
  }
}

const gatesOf = (values: readonly number[]) =>
  Object.fromEntries(values.map((value, layer) => [`gate ${layer}`, value]));

/** Presence at each layer under the given gates. */
const presenceOf = (values: readonly number[]) =>
  compute(gatesOf(values), (builder, gates) => {
    const all: Tensor[] = [];
    for (const gate of gates) all.push(promptPresence(builder, gate, all.at(-1)));
    return all;
  });

describe("a gate", () => {
  test("is the sigmoid of alpha, one half at the start", async () => {
    const inputs = { zero: 0, two: 2, low: -30 };
    const gates = await compute(inputs, (builder, alphas) =>
      alphas.map((alpha) => gateValue(builder, alpha)),
    );
    expect(gates[0]).toBe(0.5);
    expect(gates[1]).toBeCloseTo(1 / (1 + Math.exp(-2)), 7);
    expect(gates[2]).toBeLessThan(1e-12);
  });

  test("keeps its value when it is re-parameterised", async () => {
    const values = [0.1, 0.5, 0.93];
    const competing = await compute(gatesOf(values), reparameterizeGates);
    for (const [layer, value] of values.entries()) expect(competing[layer]).toBeCloseTo(value, 14);
  });

  test("blends from the propagated prompt at 0 to the new prompt at 1, in a straight line", async () => {
    const blend = (gate: number) =>
      compute({ gate, propagated: 3, fresh: -5 }, (builder, [gateTensor, propagated, fresh]) => [
        blendPrompts(builder, {
          gate: gateTensor ?? expect.unreachable(),
          propagated,
          fresh: fresh ?? expect.unreachable(),
        }),
      ]);
    expect(await blend(0)).toEqual([3]);
    expect(await blend(1)).toEqual([-5]);
    expect((await blend(0.25))[0]).toBeCloseTo(0.75 * 3 + 0.25 * -5, 14);
  });

  test("scales the new prompt at the first layer, which nothing is propagated into", async () => {
    const blended = await compute({ gate: 0.25, fresh: -8 }, (builder, [gate, fresh]) => [
      blendPrompts(builder, {
        gate: gate ?? expect.unreachable(),
        propagated: undefined,
        fresh: fresh ?? expect.unreachable(),
      }),
    ]);
    expect(blended).toEqual([-2]);
  });
});

describe("the presence of a prompt", () => {
  test("under hard gates is 0 before the first selected layer and 1 from it on", async () => {
    expect(await presenceOf([0, 0, 1, 0, 1, 0])).toEqual([0, 0, 1, 1, 1, 1]);
    expect(await presenceOf([1, 0])).toEqual([1, 1]);
    expect(await presenceOf([0, 0])).toEqual([0, 0]);
  });

  test("under soft gates is 1 - Π (1 - a)", async () => {
    const presence = await presenceOf([0.5, 0.2, 0.9]);
    for (const [layer, expected] of [0.5, 1 - 0.5 * 0.8, 1 - 0.5 * 0.8 * 0.1].entries()) {
      expect(presence[layer]).toBeCloseTo(expected, 14);
    }
  });

  test("weighs a prompt's keys: in full at 1, by a millionth at 0", async () => {
    const inputs = { none: 0, half: 0.5, all: 1 };
    const biases = await compute(inputs, (builder, all) => all.map((one) => presenceBias(builder, one)));
    const weights = biases.map(Math.exp);
    for (const [index, expected] of [1e-6, 0.5, 1].entries()) {
      expect(weights[index]).toBeCloseTo(expected, 5);
      expect(weights[index]).toBeGreaterThan(0);
    }
  });
});
