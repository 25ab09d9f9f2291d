// POST /v1/classify: the steps resolve and classify. A request is answered by the version it was resolved to,
// whatever aliases do meanwhile; the digest of what answered goes into every response.
import { z } from "zod";
import { CLASSIFY_MS_MAX } from "#model";
import { digestSchema, parseAdapterReference } from "#registry";
import type { AppContext } from "../../app-env.ts";
import { RequestError } from "../../errors.ts";
import { adapterOf, requireSameBackbone } from "../../load-adapter.ts";
import { jsonAnswer, jsonBody, type Operation, SIGNATURE_ERRORS } from "../../openapi/operation.ts";
import { readJson } from "../../read-body.ts";
import type { Scope } from "../../scope.ts";
import type { ResolvedAdapter, Services, TenantId } from "../../services.ts";
import { predictionOf, predictionSchema } from "./prediction.ts";
import { classifyRequestSchema } from "./request.ts";

export const classifyOperation: Operation = {
  ...{ id: "classify", tag: "classify", summary: "Classifies texts with an adapter" },
  changesNothing: true,
  headers: z.object({
    "softgate-timeout-ms": z
      .string()
      .regex(/^[1-9]\d{0,8}$/)
      .meta({ description: `Milliseconds that the caller will wait, at most ${CLASSIFY_MS_MAX}.` })
      .exactOptional(),
  }),
  body: jsonBody(classifyRequestSchema),
  answers: {
    200: jsonAnswer(
      "A prediction for each text, in their order, all by one version.",
      z.strictObject({
        ...{ adapterId: z.string(), version: z.int(), digest: digestSchema },
        predictions: z.array(predictionSchema),
      }),
      z.object({ "softgate-adapter-digest": digestSchema }),
    ),
  },
  errors: [
    ...(["unsupported_media_type", "invalid_reference", "adapter_not_found", "alias_not_found"] as const),
    ...(["version_not_found", "backbone_mismatch", "pair_required", "classifier_overloaded"] as const),
    ...([
      "classifier_tenant_overloaded",
      "text_rate_exceeded",
      "deadline_unmet",
      ...SIGNATURE_ERRORS,
    ] as const),
  ],
};

export const classify = (services: Services) => async (c: AppContext) => {
  const { adapterId, inputs, topK } = await readJson(c, classifyRequestSchema);
  const timeoutMs = readTimeout(c);
  const tenant = c.get("tenant");
  const scope = c.get("scope");
  const resolved = await scope.step("resolve", (inner) => resolve(services, { tenant, adapterId }, inner));
  c.set("adapterDigest", resolved.digest);
  const classifications = await scope.step("classify", (inner) => {
    inner.note({ texts: inputs.length, adapter_digest: resolved.digest });
    return services.classifier.classify(adapterOf(services.registry, tenant, resolved, inner), inputs, {
      observer: inner,
      ...(timeoutMs !== undefined && { timeoutMs }),
    });
  });
  services.warmSet?.note(tenant, resolved);
  c.header("Softgate-Adapter-Digest", resolved.digest);
  return c.json({
    adapterId,
    version: resolved.version,
    digest: resolved.digest,
    predictions: classifications.map((classification) => predictionOf(classification, topK)),
  });
};

async function resolve(
  { registry, backbone }: Services,
  { tenant, adapterId }: { tenant: TenantId; adapterId: string },
  scope: Scope,
): Promise<ResolvedAdapter> {
  const resolved = await registry.resolve(tenant, parseAdapterReference(adapterId));
  scope.note({ version: resolved.version, adapter_digest: resolved.digest });
  requireSameBackbone(resolved, backbone);
  return resolved;
}

/** Milliseconds that the caller will wait: the header Softgate-Timeout-Ms. Half a minute without it. */
function readTimeout(c: AppContext): number | undefined {
  const header = c.req.header("softgate-timeout-ms");
  if (header === undefined) return undefined;
  const timeoutMs = /^\d{1,9}$/.test(header) ? Number(header) : 0;
  if (timeoutMs >= 1 && timeoutMs <= CLASSIFY_MS_MAX) return timeoutMs;
  throw new RequestError(
    "invalid_request",
    `Softgate-Timeout-Ms: must be a whole number from 1 to ${CLASSIFY_MS_MAX}`,
  );
}
