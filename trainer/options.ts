// What a user may set of a training; everything has a default, and the default is to set nothing.
import { z } from "zod";
import { checkTemplate, LABELS_MAX } from "#model";
import { LABEL_CHARACTERS_MAX } from "./dataset/dataset.ts";

export const trainOptionsSchema = z
  .strictObject({
    /** Same dataset, options and backbone: same adapter bytes on the same machine. */
    seed: z.int().min(0).max(2_147_483_647).default(0),
    /**
     * "auto" (default): prompt generators, scales and shifts, on many rows low-rank updates too, or none: what held-out
     * rows do best with. On single texts what stands at every layer, on pairs none gives way only to what is clearly better.
     * "spt": plain Selective Prompt Tuning, prompt generators alone, whatever held-out rows say.
     */
    method: z.enum(["auto", "spt"]).optional(),
    /** P of each prompt generator. */
    promptTokens: z.int().min(1).max(32).optional(),
    /** M of each prompt generator. */
    bottleneck: z.int().min(1).max(256).optional(),
    /** What a generator reads: the mean of the text's states, or the means of P runs of them. */
    pooling: z.enum(["mean", "slots"]).optional(),
    /** K: the largest number of insertions that the search may select. */
    insertionsMax: z.int().min(1).max(128).optional(),
    /** Around each text, on a backbone that predicts words: "{text} It was {mask} ." See model/template.ts. */
    template: z.string().check(checkTemplate).optional(),
    /** Words that stand for labels there, by label; of the others, their names. */
    labelWords: z
      .record(z.string().max(LABEL_CHARACTERS_MAX), z.string().min(1).max(LABEL_CHARACTERS_MAX))
      .refine((words) => Object.keys(words).length <= LABELS_MAX, `at most ${LABELS_MAX} label words`)
      .optional(),
    learningRate: z.number().positive().max(1).optional(),
    /** Passes over the examples of the last phase, 3,000 steps at most; label names beside them take a share of each step. */
    epochs: z.int().min(1).max(200).optional(),
  })
  .describe("Options of a training; all optional.");

export type TrainOptions = z.infer<typeof trainOptionsSchema>;
