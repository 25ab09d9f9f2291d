// A training of more examples than it can hold becomes one of so many of them. All below sees these alone.
import { EXAMPLES_LEARNED_MAX, EXAMPLES_VALIDATED_MAX } from "./dataset/dataset.ts";
import { sampleExamples } from "./dataset/sample-examples.ts";
import type { TrainRequest } from "./train.ts";

export interface LimitedRequest extends TrainRequest {
  /** Examples that there were before some were drawn; absent where they are all. */
  readonly sampledFrom?: number;
}

/** Deterministic for the request's seed. */
export function withinLimits(request: TrainRequest): LimitedRequest {
  const { dataset, validation, options } = request;
  const { seed } = options;
  const examples = sampleExamples(dataset.examples, { most: EXAMPLES_LEARNED_MAX, seed });
  const sampledFrom =
    dataset.sampledFrom ?? (examples.length < dataset.examples.length ? dataset.examples.length : undefined);
  const held = sampleExamples(validation?.dataset.examples ?? [], { most: EXAMPLES_VALIDATED_MAX, seed });
  return {
    ...request,
    dataset: { ...dataset, examples },
    ...(validation && {
      validation: { ...validation, dataset: { ...validation.dataset, examples: held } },
    }),
    ...(sampledFrom !== undefined && { sampledFrom }),
  };
}
