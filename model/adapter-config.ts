// adapter_config.json: PEFT's three fields, and all of ours below "softgate".
import { z } from "zod";
import { ModelError } from "./errors.ts";
import { BOTTLENECK_MAX, INSERTION_KINDS, LABELS_MAX, PROMPT_TOKENS_MAX, RANK_MAX } from "./spt/adapter.ts";
import { checkTemplate } from "./template.ts";

const LABEL_CHARACTERS_MAX = 100;
const LAYERS_MAX = 256;
const WIDTH_MAX = 8_192;

const layerSchema = z
  .int()
  .min(0)
  .max(LAYERS_MAX - 1);

const insertionSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("prompt_generator"),
    layer: layerSchema,
    pooling: z.enum(["mean", "slots"]),
    promptTokens: z.int().min(1).max(PROMPT_TOKENS_MAX),
    bottleneck: z.int().min(1).max(BOTTLENECK_MAX),
  }),
  z.strictObject({ kind: z.literal("scale_shift"), layer: layerSchema }),
  z.strictObject({ kind: z.literal("low_rank"), layer: layerSchema, rank: z.int().min(1).max(RANK_MAX) }),
]);

export type InsertionConfig = z.infer<typeof insertionSchema>;

const outOfScopeSchema = z.strictObject({ score: z.literal("max_logit"), below: z.number() });

const configSchema = z.strictObject({
  peft_type: z.literal("SPT"),
  task_type: z.literal("SEQ_CLS"),
  base_model_name_or_path: z.string().min(1).max(200),
  softgate: z
    .strictObject({
      format: z.literal(1),
      backbone_digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
      width: z.int().min(1).max(WIDTH_MAX),
      labels: z
        .array(z.string().min(1).max(LABEL_CHARACTERS_MAX))
        .min(2)
        .max(LABELS_MAX)
        .refine((labels) => new Set(labels).size === labels.length, "labels must be unique"),
      temperature: z.number().positive(),
      outOfScope: outOfScopeSchema.exactOptional(),
      pairMode: z.enum(["joint", "dual"]),
      template: z.string().check(checkTemplate).exactOptional(),
      insertions: z
        .array(insertionSchema)
        .max(INSERTION_KINDS.length * LAYERS_MAX)
        .refine(
          (insertions) => insertions.every((one, i) => placeOf(one) > placeOf(insertions[i - 1])),
          `insertions must ascend by layer, one of a kind a layer, in the order ${INSERTION_KINDS.join(", ")}`,
        ),
    })
    .refine(
      ({ template, pairMode }) => template === undefined || pairMode === "joint",
      "pairs of an adapter with a template are joint",
    ),
});

export type AdapterConfig = z.infer<typeof configSchema>;

/** Throws ModelError invalid_adapter naming each field that is wrong. */
export function parseAdapterConfig(bytes: Uint8Array): AdapterConfig {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw invalid("it is not JSON in UTF-8", error);
  }
  refuseNewer(json);
  const parsed = configSchema.safeParse(json);
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error), parsed.error);
  return parsed.data;
}

function placeOf(insertion: InsertionConfig | undefined): number {
  if (!insertion) return -1;
  return insertion.layer * INSERTION_KINDS.length + INSERTION_KINDS.indexOf(insertion.kind);
}

/** Only as much as tells a file of a later version from a broken one. */
const versionSchema = z.looseObject({
  softgate: z.looseObject({
    format: z.int(),
    insertions: z.array(z.looseObject({ kind: z.string() })).optional(),
  }),
});

function refuseNewer(json: unknown): void {
  const parsed = versionSchema.safeParse(json);
  if (!parsed.success) return;
  const { format, insertions = [] } = parsed.data.softgate;
  const unknown = insertions.find(({ kind }) => !INSERTION_KINDS.some((known) => known === kind));
  if (format <= 1 && !unknown) return;
  const found = format > 1 ? `format ${format}` : `an insertion of kind ${JSON.stringify(unknown?.kind)}`;
  throw invalid(`it has ${found}: the adapter was made by a newer version of Softgate; upgrade to read it`);
}

function invalid(problem: string, cause?: unknown): ModelError {
  return new ModelError("invalid_adapter", `Invalid adapter: adapter_config.json: ${problem}.`, cause);
}
