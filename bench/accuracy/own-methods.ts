// What each method of ours asks of the trainer: its defaults, plain SPT, and what is left without a part.
import type { TrainRequest } from "#trainer";
import { createRandom, shuffle } from "#trainer";
import { trainOptionsSchema } from "#trainer/job";
import type { TunedMethod } from "./cell.ts";

/** P of the static prompts: text-independent prompts need more tokens (Liu et al. 2022, P-tuning v2). */
const STATIC_PROMPT_TOKENS = 8;

type MethodRequest = Pick<TrainRequest, "options" | "ablation">;

/** `layers` of the backbone, N; `seed` names the split, and draws the random layers. */
export function requestOf(
  method: TunedMethod,
  { layers, seed }: { layers: number; seed: string },
): MethodRequest {
  const spt = trainOptionsSchema.parse({ method: "spt" });
  const every = Array.from({ length: layers }, (_, layer) => layer);
  const only = (chosen: readonly number[]): MethodRequest => ({
    options: spt,
    ablation: { fixed: chosen.map((layer) => ({ kind: "prompt_generator", layer })) },
  });
  switch (method) {
    case "softgate":
      return { options: trainOptionsSchema.parse({}) };
    case "softgate_without_label_names":
      return { options: trainOptionsSchema.parse({}), ablation: { labelNames: false } };
    case "spt":
      return { options: spt };
    case "spt_without_consistency":
      return { options: spt, ablation: { consistency: 0 } };
    case "spt_plain_gates":
      return { options: spt, ablation: { reparameterized: false } };
    case "spt_all_layers":
      return only(every);
    case "spt_random_layers":
      return only(shuffle(every, createRandom(seedOf(seed))).slice(0, Math.ceil(layers / 2)));
    case "spt_first_layer":
      return only([0]);
    case "spt_middle_layer":
      return only([Math.floor(layers / 2)]);
    case "static_prompts": {
      const { ablation } = only(every);
      return {
        options: { ...spt, promptTokens: STATIC_PROMPT_TOKENS },
        ablation: { ...ablation, staticPrompts: true },
      };
    }
  }
}

function seedOf(split: string): number {
  return [...split].reduce((sum, letter) => (31 * sum + (letter.codePointAt(0) ?? 0)) % 2 ** 31, 0);
}
