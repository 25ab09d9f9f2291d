// An adapter's aliases, with what protects them and where a rollback would lead. At most
// ALIASES_PER_ADAPTER_MAX, so in one piece.
import { isGone, readState } from "./adapter-state.ts";
import type { RegistryContext } from "./context.ts";
import { getLatestVersion } from "./find-version.ts";
import type { AdapterOwner } from "./layout.ts";
import type { AliasSummary } from "./registry.ts";

/** By name. Throws adapter_not_found. */
export async function listAliases(context: RegistryContext, owner: AdapterOwner): Promise<AliasSummary[]> {
  const state = await readState(context, owner);
  await getLatestVersion(context, owner, state);
  return state.aliases
    .map(({ alias, version, protection, trail }) => {
      const versions = trail.map((entry) => entry.version).filter((earlier) => !isGone(state, earlier));
      const rule = protection?.rule && { rule: protection.rule };
      return { alias, version, protected: protection !== undefined, ...rule, earlier: versions };
    })
    .sort((left, right) => (left.alias < right.alias ? -1 : 1));
}
