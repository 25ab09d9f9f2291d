// The record that describes an uploaded file, as it is stored.
import { z } from "zod";
import { DATASET_ID } from "./layout.ts";
import { copySchema, digestSchema } from "./manifest.ts";
import { datasetMediaTypes } from "./registry.ts";

export const datasetSchema = z.strictObject({
  id: z.string().regex(DATASET_ID),
  digest: digestSchema,
  copy: copySchema.exactOptional(),
  bytes: z.int().min(0),
  rows: z.int().min(0),
  labels: z.array(z.string()),
  fileName: z.string(),
  mediaType: z.enum(datasetMediaTypes),
  columns: z.strictObject({ text: z.string(), textPair: z.string().exactOptional(), label: z.string() }),
  createdAt: z.iso.datetime(),
});

/** In lists. */
export const datasetSummarySchema = datasetSchema
  .omit({ labels: true, copy: true })
  .extend({ labelCount: z.int().min(0) });
