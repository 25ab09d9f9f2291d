// One request to classify → its answer: the steps resolve and classify. A request is answered by the version it was
// resolved to, whatever aliases do meanwhile. Shared by all routes that classify; knows no HTTP.
import type { TextInput } from "#model";
import { parseAdapterReference } from "#registry";
import { adapterOf, requireSameBackbone } from "../../load-adapter.ts";
import { describeError, retryAfterSecondsOf } from "../../problem.ts";
import type { Scope } from "../../scope.ts";
import type { ResolvedAdapter, Services, TenantId } from "../../services.ts";
import { predictionOf } from "./prediction.ts";
import type { ClassifyAnswer, Failure } from "./response.ts";

export interface Asked {
  readonly adapterId: string;
  readonly inputs: readonly TextInput[];
  readonly topK: number;
}

export interface Caller {
  readonly tenant: TenantId;
  readonly scope: Scope;
  /** That the caller will wait; default CLASSIFY_MS_DEFAULT. */
  readonly timeoutMs?: number | undefined;
  /** Told which version it will be, before it answers. */
  readonly onResolved?: (resolved: ResolvedAdapter) => void;
}

/** Rejects as the registry's resolve and the classifier's classify do. */
export async function answerRequest(
  services: Services,
  { adapterId, inputs, topK }: Asked,
  { tenant, scope, timeoutMs, onResolved }: Caller,
): Promise<ClassifyAnswer> {
  const resolved = await scope.step("resolve", (inner) => resolve(services, { tenant, adapterId }, inner));
  onResolved?.(resolved);
  const classifications = await scope.step("classify", (inner) => {
    inner.note({ texts: inputs.length, adapter_digest: resolved.digest });
    return services.classifier.classify(adapterOf(services.registry, tenant, resolved, inner), inputs, {
      observer: inner,
      ...(timeoutMs !== undefined && { timeoutMs }),
    });
  });
  services.warmSet?.note(tenant, resolved);
  void services.shadow?.follow({ tenant, adapterId, resolved, inputs, answers: classifications });
  return {
    adapterId,
    version: resolved.version,
    digest: resolved.digest,
    predictions: classifications.map((classification) => predictionOf(classification, topK)),
  };
}

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

/** A failure of a part of an answer, whose other parts do not fail. */
export function failureOf(error: unknown): Failure {
  const { type: _, ...told } = describeError(error);
  const retryAfterSeconds = retryAfterSecondsOf(error);
  return {
    ...told,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  };
}
