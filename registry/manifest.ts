// The JSON that names a version's files by digest. Written last; what it does not name does not exist.
// Checked when written and when read; its digest is the sha256 of its bytes, so of all it names.
import { z } from "zod";
import { digestOf } from "./digest.ts";
import { RegistryError } from "./errors.ts";
import { DATASET_ID } from "./layout.ts";
import { MANIFEST_BYTES_MAX } from "./limits.ts";
import { SIGNATURE, SIGNING_KEY_ID } from "./signing/signing-key.ts";

export const MANIFEST_MEDIA_TYPE = "application/vnd.softgate.adapter.manifest.v1+json";

export const digestSchema = z.string().regex(/^sha256:[0-9a-f]{64}$/);

/** Which copy of a blob: the nonce in its key. Absent in what was written before layout 3. */
export const copySchema = z.string().regex(/^[0-9a-f]{32}$/);

export const insertionSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("prompt_generator"),
    layer: z.int().min(0).max(255),
    pooling: z.enum(["mean", "slots"]),
    promptTokens: z.int().min(1).max(32),
    bottleneck: z.int().min(1).max(256),
  }),
  z.strictObject({ kind: z.literal("scale_shift"), layer: z.int().min(0).max(255) }),
  z.strictObject({
    kind: z.literal("low_rank"),
    layer: z.int().min(0).max(255),
    rank: z.int().min(1).max(16),
  }),
]);

/** The version that one was imported from. */
export const originSchema = z.strictObject({
  tenant: z.string().min(1).max(64),
  name: z.string().min(1).max(64),
  version: z.int().min(1),
  /** Of its manifest. */
  digest: digestSchema,
});

export const manifestSchema = z.strictObject({
  mediaType: z.literal(MANIFEST_MEDIA_TYPE),
  name: z.string(),
  version: z.int().min(1),
  createdAt: z.iso.datetime(),
  createdBy: z.strictObject({ jobId: z.string().optional(), softgate: z.string() }),
  backbone: z.strictObject({ id: z.string().min(1).max(200), digest: digestSchema, width: z.int().min(1) }),
  /** What else than the backbone in fp32 the version may be computed with. Absent: anything made of it. */
  encoders: z.strictObject({ int8: digestSchema }).exactOptional(),
  labels: z.array(z.string().min(1).max(100)).min(2).max(1000),
  insertions: z.array(insertionSchema).max(768),
  temperature: z.number().positive(),
  /** Absent where no text is out of scope. */
  outOfScope: z.strictObject({ score: z.literal("max_logit"), below: z.number() }).exactOptional(),
  /** id: of its record, in the store that the version was trained on. */
  dataset: z.strictObject({
    id: z.string().regex(DATASET_ID).exactOptional(),
    digest: digestSchema,
    rows: z.int().min(1),
  }),
  /** Absent where the version was trained on this store. */
  origin: originSchema.exactOptional(),
  files: z.array(
    z.strictObject({
      path: z.enum(["adapter_config.json", "adapter_model.safetensors"]),
      digest: digestSchema,
      copy: copySchema.exactOptional(),
      bytes: z.int().min(1),
    }),
  ),
  /** The trainer's report, kept as it was given. */
  report: z.record(z.string(), z.unknown()),
  /** Over all the rest but the version (signing/statement.ts). Absent where it was published without a key. */
  signature: z
    .strictObject({ keyId: z.string().regex(SIGNING_KEY_ID), value: z.string().regex(SIGNATURE) })
    .exactOptional(),
});

export type Manifest = z.infer<typeof manifestSchema>;

/** Throws invalid_manifest, which says what is wrong, or limit_exceeded. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const result = manifestSchema.safeParse(manifest);
  if (!result.success) throw invalidManifest(`This manifest cannot be published`, result.error);
  const bytes = new TextEncoder().encode(JSON.stringify(result.data));
  if (bytes.byteLength > MANIFEST_BYTES_MAX) {
    throw new RegistryError(
      "limit_exceeded",
      `The manifest has ${bytes.byteLength} bytes; at most ${MANIFEST_BYTES_MAX} are kept. Shorten its report.`,
    );
  }
  return bytes;
}

/** The manifest of stored bytes, deeply frozen. Throws invalid_manifest. */
export function decodeManifest(
  bytes: Uint8Array,
  expected: { name: string; version: number },
): { manifest: Manifest; digest: string } {
  const what = `The stored manifest of ${expected.name}:${expected.version} is damaged`;
  const { text, value } = parseJson(bytes);
  const result = manifestSchema.safeParse(value);
  if (!result.success) throw invalidManifest(what, result.error);
  const { name, version, signature } = result.data;
  // Other bytes of the same meaning, such as a number's digits beyond its precision, were not signed.
  if (signature && JSON.stringify(value) !== text) {
    throw new RegistryError("invalid_manifest", `${what}: it is not written as it was signed.`);
  }
  if (name !== expected.name || version !== expected.version) {
    throw new RegistryError("invalid_manifest", `${what}: it calls itself ${name}:${version}.`);
  }
  return { manifest: freezeDeeply(result.data), digest: digestOf(bytes) };
}

function parseJson(bytes: Uint8Array): { text: string; value: unknown } {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return { text, value: JSON.parse(text) };
  } catch {
    return { text: "", value: undefined };
  }
}

function invalidManifest(what: string, cause: z.ZodError): RegistryError {
  const [issue] = cause.issues;
  return new RegistryError(
    "invalid_manifest",
    `${what}: ${issue?.path.join(".") || "it"}: ${issue?.message ?? "unreadable"}.`,
    cause,
  );
}

/** Manifests are cached and shared: one caller's change must not reach the next. */
function freezeDeeply<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) freezeDeeply(part);
  return Object.freeze(value);
}
