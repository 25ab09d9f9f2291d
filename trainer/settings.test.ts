import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { trainOptionsSchema } from "./options.ts";
import { settingsFor } from "./settings.ts";

const SIZES = { examples: 100, width: 384, layers: 6 };

describe("settingsFor", () => {
  test("takes what the user set", () => {
    const options = { seed: 0, promptTokens: 7, bottleneck: 9, pooling: "slots", learningRate: 0.1 } as const;
    const settings = settingsFor({ ...options, insertionsMax: 4, epochs: 3 }, SIZES);
    expect(settings.shape).toEqual({
      width: 384,
      promptTokens: 7,
      bottleneck: 9,
      pooling: "slots",
      readsText: true,
    });
    expect(settings).toMatchObject({ learningRates: [0.1], insertionsMax: 4, retrainSteps: 3 * 7 });
  });

  test("counts the trials of the validation: each learning rate of the search, scales and shifts everywhere, both ways round where rows are few", () => {
    expect(settingsFor({ seed: 0 }, SIZES)).toMatchObject({ searchSteps: 0, validationTrials: 2 });
    expect(settingsFor({ seed: 0 }, { ...SIZES, folds: 1 }).validationTrials).toBe(1);
    const many = settingsFor({ seed: 0 }, { ...SIZES, examples: 128 });
    expect(many).toMatchObject({ learningRates: [5e-3], validationTrials: 2 });
    expect(many.searchSteps).toBeGreaterThan(0);
    const plain = settingsFor({ seed: 0, method: "spt" }, SIZES);
    expect(plain).toMatchObject({ learningRates: [5e-3, 1e-3], validationTrials: 4 });
    expect(plain.searchSteps).toBeGreaterThan(0);
    expect(settingsFor({ seed: 0, method: "spt", learningRate: 0.1 }, SIZES).validationTrials).toBe(2);
  });

  test("of method spt is over prompt generators alone, without the contrastive loss", () => {
    expect(settingsFor({ seed: 0, method: "spt" }, SIZES)).toMatchObject({
      kinds: ["prompt_generator"],
      contrastive: false,
    });
    expect(settingsFor({ seed: 0 }, SIZES)).toMatchObject({
      kinds: ["prompt_generator", "scale_shift"],
      contrastive: true,
    });
  });

  test("of dual pairs learns slower, without the contrastive loss, and prefers no insertions", () => {
    expect(settingsFor({ seed: 0 }, { ...SIZES, pairMode: "dual" })).toMatchObject({
      ...{ learningRates: [1e-3], contrastive: false, preferred: "no_insertions" },
    });
    expect(settingsFor({ seed: 0 }, SIZES).preferred).toBe("everywhere");
    expect(settingsFor({ seed: 0, method: "spt" }, SIZES)).not.toHaveProperty("preferred");
    expect(settingsFor({ seed: 0 }, { ...SIZES, verbalizer: true }).preferred).toBe("everywhere");
  });

  test("from label words learns slower, each row at least 25 times where rows are few", () => {
    const settingsOf = (examples: number, options = {}) =>
      settingsFor({ seed: 0, ...options }, { ...SIZES, examples, verbalizer: true });
    expect(settingsOf(32)).toMatchObject({ learningRates: [2e-3], retrainSteps: 50, validationSteps: 25 });
    expect(settingsOf(96)).toMatchObject({ retrainSteps: 150, validationSteps: 75 });
    expect(settingsOf(1_600)).toMatchObject({ retrainSteps: 200, validationSteps: 75 });
    expect(settingsOf(96, { method: "spt" })).toMatchObject({
      learningRates: [5e-3, 1e-3],
      retrainSteps: 80,
    });
    expect(settingsOf(96, { learningRate: 0.1 })).toMatchObject({ learningRates: [0.1] });
  });

  test("of many single texts or joint pairs has low-rank updates beside scales and shifts everywhere", () => {
    const kindsOf = (changes: Partial<Parameters<typeof settingsFor>[1]>) =>
      settingsFor({ seed: 0 }, { ...SIZES, ...changes }).everywhere;
    expect(kindsOf({ examples: 999 })).toEqual(["scale_shift"]);
    expect(kindsOf({ examples: 1_000 })).toEqual(["scale_shift", "low_rank"]);
    expect(kindsOf({ examples: 1_000, pairMode: "dual" })).toEqual(["scale_shift"]);
    expect(kindsOf({ examples: 1_000, verbalizer: true })).toEqual(["scale_shift"]);
    const spt = settingsFor({ seed: 0, method: "spt" }, { ...SIZES, examples: 1_000 });
    expect(spt.everywhere).toEqual([]);
  });

  test("lets the selection keep one insertion at least, and never more than there are", () => {
    for (const layers of [1, 2, 3, 6, 12, 24]) {
      const { insertionsMax } = settingsFor({ seed: 0 }, { ...SIZES, layers });
      expect(insertionsMax).toBeGreaterThanOrEqual(1);
      expect(insertionsMax).toBeLessThanOrEqual(2 * layers);
    }
    expect(settingsFor({ seed: 0, insertionsMax: 64 }, SIZES).insertionsMax).toBe(12);
  });

  test("keeps every phase but the search at one step or more and the last at most at 3000, whatever the data and epochs", () => {
    const epochs = fc.option(fc.integer({ min: 1, max: 200 }), { nil: undefined });
    fc.assert(
      fc.property(fc.integer({ min: 8, max: 200_000 }), epochs, (examples, passes) => {
        const options = trainOptionsSchema.parse(passes === undefined ? {} : { epochs: passes });
        const { searchSteps, validationSteps, retrainSteps } = settingsFor(options, { ...SIZES, examples });
        for (const steps of [validationSteps, retrainSteps]) {
          expect(Number.isInteger(steps)).toBe(true);
          expect(steps).toBeGreaterThanOrEqual(1);
        }
        expect(searchSteps > 0).toBe(examples >= 128);
        expect(retrainSteps).toBeLessThanOrEqual(3_000);
      }),
    );
  });
});
