// The JSON that names a version's files by digest. Written last; what it does not name does not exist.
import { z } from "zod";

export const digestSchema = z.string().regex(/^sha256:[0-9a-f]{64}$/);

export const insertionSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("prompt_generator"),
    layer: z.int().min(0).max(255),
    pooling: z.enum(["mean", "slots"]),
    promptTokens: z.int().min(1).max(32),
    bottleneck: z.int().min(1).max(256),
  }),
]);

export const manifestSchema = z.strictObject({
  mediaType: z.literal("application/vnd.softgate.adapter.manifest.v1+json"),
  name: z.string(),
  version: z.int().min(1),
  createdAt: z.iso.datetime(),
  createdBy: z.strictObject({ jobId: z.string().optional(), softgate: z.string() }),
  backbone: z.strictObject({ id: z.string().min(1).max(200), digest: digestSchema, width: z.int().min(1) }),
  labels: z.array(z.string().min(1).max(100)).min(2).max(1000),
  insertions: z.array(insertionSchema).max(256),
  temperature: z.number().positive(),
  dataset: z.strictObject({ digest: digestSchema, rows: z.int().min(1) }),
  files: z.array(
    z.strictObject({
      path: z.enum(["adapter_config.json", "adapter_model.safetensors"]),
      digest: digestSchema,
      bytes: z.int().min(1),
    }),
  ),
  /** The trainer's report, kept as it was given. */
  report: z.record(z.string(), z.unknown()),
});

export type Manifest = z.infer<typeof manifestSchema>;
