import { expect, test } from "vitest";
import { GraphBuilder, must, type Tensor } from "#model/graph";
import { Session } from "#model/runtime/session";
import { promptPresence, reparameterizeGates } from "#model/spt";
import { backward } from "../autodiff/backward.ts";

const GATES = [0.2, 0.55, 0.7, 0.9];

/** Gradients of a loss by each of GATES; the loss mixes them so that none is like another. */
async function gateGradients(transform: (builder: GraphBuilder, gates: readonly Tensor[]) => Tensor[]) {
  const builder = new GraphBuilder("float64");
  const gates = GATES.map((_, layer) => builder.input(`gate ${layer}`, [1]));
  const weighed = transform(builder, gates).map((gate, layer) =>
    builder.apply("Mul", [builder.apply("Exp", [gate]), builder.scalar(Math.cos(layer + 1))]),
  );
  const loss = weighed.reduce((sum, term) => builder.apply("Add", [sum, term]));
  builder.output("loss", loss);
  for (const [layer, grad] of backward(builder, loss, gates).entries()) builder.output(`grad ${layer}`, grad);
  const session = await Session.create(builder.build(), { threads: 1 });
  try {
    const feeds = GATES.map((value, layer) => [
      `gate ${layer}`,
      { data: Float64Array.of(value), shape: [1] },
    ]);
    const names = GATES.map((_, layer) => `grad ${layer}`);
    const results = await session.run(Object.fromEntries(feeds), ["loss", ...names]);
    return {
      loss: Number(must(results.loss?.[0], "loss")),
      gradients: names.map((name) => Number(must(results[name]?.[0], name))),
    };
  } finally {
    await session.close();
  }
}

test("re-parameterised gates have the gradient g_l - (Σ a_k g_k) / (Σ a_j), and the value of plain ones", async () => {
  const plain = await gateGradients((_, gates) => [...gates]);
  const competing = await gateGradients(reparameterizeGates);
  expect(competing.loss).toBeCloseTo(plain.loss, 12);
  const total = GATES.reduce((sum, gate) => sum + gate, 0);
  const budget = GATES.reduce((sum, gate, layer) => sum + gate * must(plain.gradients[layer], "gradient"), 0);
  for (const [layer, gradient] of plain.gradients.entries()) {
    expect(competing.gradients[layer]).toBeCloseTo(gradient - budget / total, 12);
  }
});

test("along the gates themselves the re-parameterised gradient is zero: a budget can only be moved", async () => {
  const { gradients } = await gateGradients(reparameterizeGates);
  const along = GATES.reduce((sum, gate, layer) => sum + gate * must(gradients[layer], "gradient"), 0);
  expect(along).toBeCloseTo(0, 12);
  expect(Math.max(...gradients.map(Math.abs))).toBeGreaterThan(0.01);
});

test("every earlier gate has a gradient through the presence of a prompt", async () => {
  const { gradients } = await gateGradients((builder, gates) => {
    const presences: Tensor[] = [];
    for (const gate of gates) presences.push(promptPresence(builder, gate, presences.at(-1)));
    return presences;
  });
  for (const gradient of gradients) expect(Math.abs(gradient)).toBeGreaterThan(1e-3);
});
