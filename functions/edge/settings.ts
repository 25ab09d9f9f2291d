// The settings of the edge tier, from a Worker's bindings and variables. What is wrong is told by the setting's name.
import type { R2Binding } from "#registry";
import { parseCorsOrigins } from "./cors-origins.ts";

export interface EdgeSettings {
  readonly bucket: R2Binding;
  /** Id of the backbone that was put into the bucket. */
  readonly backboneId: string;
  /** Of web pages that may call it. */
  readonly corsOrigins: readonly string[];
}

/** Throws an Error that names the setting. */
export function parseEdgeSettings(env: unknown): EdgeSettings {
  const { BUCKET: bucket, BACKBONE: backboneId, CORS_ORIGINS } = env as Record<string, unknown>;
  if (!isBucket(bucket)) {
    throw new Error(
      'BUCKET: bind the R2 bucket that holds the adapters, under "r2_buckets" of wrangler.jsonc.',
    );
  }
  if (typeof backboneId !== "string" || !/^[\w.-]+(\/[\w.-]+)?$/.test(backboneId)) {
    throw new Error(
      'BACKBONE: name the backbone in the bucket, under "vars" of wrangler.jsonc, for example sentence-transformers/all-MiniLM-L6-v2.',
    );
  }
  return { bucket, backboneId, corsOrigins: parseCorsOrigins(CORS_ORIGINS) };
}

function isBucket(value: unknown): value is R2Binding {
  return typeof value === "object" && value !== null && "get" in value && "put" in value && "list" in value;
}
