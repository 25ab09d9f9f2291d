// What a list says of an adapter's newest version, kept in its state so that a page of adapters costs one
// read for each. Written by change-adapter.ts with every change: a version whose publish died before its
// alias was moved is in no list of adapters until the next change. Bounded, as all of the state is.
import { z } from "zod";
import { digestSchema } from "./manifest.ts";

const figure = z.number().exactOptional();

export const latestVersionSchema = z.strictObject({
  version: z.int().min(1),
  /** Of its manifest. */
  digest: digestSchema,
  createdAt: z.iso.datetime(),
  backbone: z.strictObject({ id: z.string(), digest: digestSchema }),
  /** The first of them, so many as LISTED_LABELS_BYTES_MAX takes. */
  labels: z.array(z.string()),
  labelCount: z.int().min(0),
  rows: z.int().min(0),
  /** As its report has them, of held-out rows before others. */
  metrics: z
    .strictObject({ on: z.enum(["heldOut", "validation"]), accuracy: figure, macroF1: figure })
    .exactOptional(),
});

export type LatestVersion = z.infer<typeof latestVersionSchema>;
