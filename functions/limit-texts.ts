// A classifier that takes from each tenant no more texts per minute than it may send. Whoever waits out an
// OverloadError, as streams do, is slowed and not refused.
import { OverloadError } from "#model";
import type { RateLimits } from "./rate-limits.ts";
import type { ClassifierPort } from "./services.ts";

export function limitTexts(classifier: ClassifierPort, rates: RateLimits): ClassifierPort {
  return {
    async classify(adapter, inputs, options) {
      await rates.takeTexts(adapter.tenant, inputs.length);
      try {
        return await classifier.classify(adapter, inputs, options);
      } catch (error) {
        if (error instanceof OverloadError) rates.giveBackTexts(adapter.tenant, inputs.length);
        throw error;
      }
    },
    probe: () => classifier.probe(),
  };
}
