import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Backbone, type Encoding, parseBackbone } from "#model";
import { Session } from "#model/runtime/session";
import { makeTickets } from "../test/helpers/tickets.ts";
import { makeTinyBackbone } from "../test/helpers/tiny-backbone.ts";
import { FrozenEncoder } from "./frozen-encoder.ts";

const LAYERS = 2;
let backbone: Backbone;
let frozen: FrozenEncoder;
let encodings: Encoding[];

beforeAll(async () => {
  backbone = parseBackbone("tiny", makeTinyBackbone({ layers: LAYERS }));
  frozen = await FrozenEncoder.create(backbone, { threads: 1 });
  // Long and short texts in turn, and more tokens than one forward pass takes.
  encodings = makeTickets({ seed: 3, rowsPerLabel: 60 }).rows.map(({ text }, row) =>
    backbone.tokenizer.encode(row % 3 === 0 ? `${text} `.repeat(8) : text),
  );
});
afterAll(() => frozen.close());

describe("the frozen encoder", () => {
  test("gives each text the unit vector it has alone, in the order given", async () => {
    const { width } = backbone.config;
    expect(encodings.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0)).toBeGreaterThan(4096);
    const features = await frozen.features(encodings);
    expect(features).toHaveLength(encodings.length * width);
    for (const index of [0, 1, 2, 99, encodings.length - 1]) {
      const row = features.subarray(index * width, (index + 1) * width);
      expect(row.reduce((sum, x) => sum + x * x, 0)).toBeCloseTo(1, 5);
      const alone = await frozen.features(encodings.slice(index, index + 1));
      for (const [d, value] of alone.entries()) expect(row[d]).toBeCloseTo(value, 5);
    }
  });

  test("gives each text's own states as they enter a layer, in the order asked for", async () => {
    const { width } = backbone.config;
    for (let layer = 0; layer < LAYERS; layer++) {
      const states = await (await frozen.statesSource(layer, encodings))([7, 0, 3]);
      for (const [at, index] of [7, 0, 3].entries()) {
        const [alone] = await frozen.statesEntering(layer, encodings.slice(index, index + 1));
        expect(states[at]).toHaveLength((encodings[index]?.tokenIds.length ?? 0) * width);
        for (const [i, value] of (alone ?? []).entries()) expect(states[at]?.[i]).toBeCloseTo(value, 4);
      }
    }
  });

  test("keeps the states of all layers within one limit, and computes the rest again", async () => {
    const tokens = encodings.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
    const statesBytesMax = tokens * backbone.config.width * 4;
    const limited = await FrozenEncoder.create(backbone, { threads: 1, statesBytesMax });
    const computed = vi.spyOn(limited, "statesEntering");
    const [kept, again] = [
      await limited.statesSource(0, encodings),
      await limited.statesSource(1, encodings),
    ];
    expect(computed).toHaveBeenCalledTimes(1);
    await kept([5]);
    expect(computed).toHaveBeenCalledTimes(1);
    const [states] = await again([5]);
    expect(computed).toHaveBeenCalledTimes(2);
    const [whole] = await (await frozen.statesSource(1, encodings))([5]);
    for (const [i, value] of (whole ?? []).entries()) expect(states?.[i]).toBeCloseTo(value, 4);
    await limited.close();
  });

  test("computes no layer for the states that enter the first: nothing there mixes tokens", async () => {
    const run = vi.spyOn(Session, "create");
    const other = await FrozenEncoder.create(backbone, { threads: 1 });
    await other.statesEntering(0, encodings.slice(0, 1));
    const nodes = run.mock.calls.map(([graph]) => graph.nodes.map(({ op }) => op));
    expect(nodes).toHaveLength(2);
    expect(nodes[0]).toContain("Softmax");
    expect(nodes[1]).not.toContain("Softmax");
    await other.close();
  });

  test("has nothing to say of no texts", async () => {
    expect(await frozen.features([])).toHaveLength(0);
    expect(await frozen.statesEntering(0, [])).toEqual([]);
  });
});
