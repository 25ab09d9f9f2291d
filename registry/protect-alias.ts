// Protects an alias from moves, all of them or those to a worse version, or ends its protection.
import { isDeepStrictEqual } from "node:util";
import { type AdapterState, withPointer } from "./adapter-state.ts";
import { changeOptions } from "./change.ts";
import { changeAdapter } from "./change-adapter.ts";
import type { RegistryContext } from "./context.ts";
import { requireTestSet } from "./evaluations.ts";
import type { AdapterOwner } from "./layout.ts";
import { type ProtectAliasRequest, parseAlias } from "./registry.ts";
import { requireRevision, revisionOfAlias } from "./revision.ts";
import { getPointer } from "./set-alias.ts";

/** Throws adapter_not_found, alias_not_found, dataset_not_found, limit_exceeded, revision_changed, conflict. */
export async function protectAlias(
  context: RegistryContext,
  owner: AdapterOwner,
  { actor, why, rule, ...request }: ProtectAliasRequest,
): Promise<void> {
  const alias = parseAlias(request.alias);
  const protection = rule ? { rule } : {};
  if (rule?.on === "testSet") await requireTestSet(context, owner.tenant, rule.datasetId);
  const plan = async (state: AdapterState) => {
    const current = await getPointer(context, owner, { alias, state });
    requireRevision(revisionOfAlias(current), request.ifRevision);
    const { protection: before, ...pointer } = current;
    const after = request.protected ? protection : undefined;
    if (isDeepStrictEqual(before, after)) return undefined;
    const entry = { action: "protect_alias", alias, protected: request.protected, ...after } as const;
    return { state: withPointer(state, { ...pointer, ...(after && { protection: after }) }), entry };
  };
  await changeAdapter(context, owner, { plan, ...changeOptions({ actor, why }) });
}
