import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { trainOptionsSchema } from "./options.ts";
import { settingsFor } from "./settings.ts";

const SIZES = { examples: 100, width: 384, layers: 6 };

describe("settingsFor", () => {
  test("takes what the user set", () => {
    const options = { seed: 0, promptTokens: 7, bottleneck: 9, pooling: "slots", learningRate: 0.1 } as const;
    const settings = settingsFor({ ...options, promptLayersMax: 4, epochs: 3 }, SIZES);
    expect(settings.shape).toEqual({ width: 384, promptTokens: 7, bottleneck: 9, pooling: "slots" });
    expect(settings).toMatchObject({ learningRates: [0.1], promptLayersMax: 4, retrainSteps: 3 * 7 });
  });

  test("counts the trials of the validation: each learning rate and the last layers, both ways round where rows are few", () => {
    expect(settingsFor({ seed: 0 }, SIZES)).toMatchObject({
      learningRates: [5e-3, 1e-3],
      validationTrials: 6,
    });
    expect(settingsFor({ seed: 0 }, { ...SIZES, examples: 128 }).validationTrials).toBe(3);
    expect(settingsFor({ seed: 0, learningRate: 0.1 }, SIZES).validationTrials).toBe(4);
    expect(settingsFor({ seed: 0, method: "spt" }, SIZES).validationTrials).toBe(4);
  });

  test("lets the selection keep one layer at least, and never more than there are", () => {
    for (const layers of [1, 2, 3, 6, 12, 24]) {
      const { promptLayersMax } = settingsFor({ seed: 0 }, { ...SIZES, layers });
      expect(promptLayersMax).toBeGreaterThanOrEqual(1);
      expect(promptLayersMax).toBeLessThanOrEqual(layers);
    }
    expect(settingsFor({ seed: 0, promptLayersMax: 64 }, SIZES).promptLayersMax).toBe(6);
  });

  test("keeps every phase at one step or more and the last at most at 3000, whatever the data and epochs", () => {
    const epochs = fc.option(fc.integer({ min: 1, max: 200 }), { nil: undefined });
    fc.assert(
      fc.property(fc.integer({ min: 8, max: 200_000 }), epochs, (examples, passes) => {
        const options = trainOptionsSchema.parse(passes === undefined ? {} : { epochs: passes });
        const { searchSteps, validationSteps, retrainSteps } = settingsFor(options, { ...SIZES, examples });
        for (const steps of [searchSteps, validationSteps, retrainSteps]) {
          expect(Number.isInteger(steps)).toBe(true);
          expect(steps).toBeGreaterThanOrEqual(1);
        }
        expect(retrainSteps).toBeLessThanOrEqual(3_000);
      }),
    );
  });
});
