// An adapter's aliases, with what protects them and where a rollback would lead. At most
// ALIASES_PER_ADAPTER_MAX, so in one piece.
import { type AdapterState, type AliasPointer, isGone, readState } from "./adapter-state.ts";
import type { RegistryContext } from "./context.ts";
import { getLatestVersion } from "./find-version.ts";
import type { AdapterOwner } from "./layout.ts";
import { type AliasSummary, parseAlias } from "./registry.ts";
import { revisionOfAlias } from "./revision.ts";
import { getPointer } from "./set-alias.ts";

/** By name. Throws adapter_not_found. */
export async function listAliases(context: RegistryContext, owner: AdapterOwner): Promise<AliasSummary[]> {
  const state = await readState(context, owner);
  await getLatestVersion(context, owner, state);
  return state.aliases
    .map((pointer) => summarize(state, pointer))
    .sort((left, right) => (left.alias < right.alias ? -1 : 1));
}

/** With what a change of it can be bound to. Throws adapter_not_found, alias_not_found. */
export async function getAlias(
  context: RegistryContext,
  owner: AdapterOwner,
  alias: string,
): Promise<AliasSummary & { revision: string }> {
  const state = await readState(context, owner);
  const pointer = await getPointer(context, owner, { alias: parseAlias(alias), state });
  return { ...summarize(state, pointer), revision: revisionOfAlias(pointer) };
}

function summarize(state: AdapterState, { alias, version, protection, trail }: AliasPointer): AliasSummary {
  const earlier = trail.map((entry) => entry.version).filter((one) => !isGone(state, one));
  const rule = protection?.rule && { rule: protection.rule };
  return { alias, version, protected: protection !== undefined, ...rule, earlier };
}
