// What a user may set of a training; everything has a default, and the default is to set nothing.
import { z } from "zod";

export const trainOptionsSchema = z
  .strictObject({
    /** Same dataset, options and backbone: same adapter bytes on the same machine. */
    seed: z.int().min(0).max(2_147_483_647).default(0),
    /**
     * "auto" (default): prompt generators, scales and shifts, whichever held-out rows do best with, or none.
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
    learningRate: z.number().positive().max(1).optional(),
    /** Passes over the examples of the last phase. */
    epochs: z.int().min(1).max(200).optional(),
  })
  .describe("Options of a training; all optional.");

export type TrainOptions = z.infer<typeof trainOptionsSchema>;
