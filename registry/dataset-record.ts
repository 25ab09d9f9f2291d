// The record that describes an uploaded file, as it is stored.
import { z } from "zod";
import { copySchema, digestSchema } from "./manifest.ts";
import { datasetMediaTypes } from "./registry.ts";

export const DATASET_ID = /^ds_[0-9a-f]{32}$/;

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
