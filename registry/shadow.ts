// The shadow of an adapter: an alias whose version is asked beside production's, for a share of requests, so that the
// two can be compared on what is really asked. A setting in the adapter's state; servers do the asking.
import { type AdapterState, findPointer, readState } from "./adapter-state.ts";
import { changeOptions, type Shadow } from "./change.ts";
import { changeAdapter } from "./change-adapter.ts";
import type { RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import { getLatestVersion } from "./find-version.ts";
import type { AdapterOwner } from "./layout.ts";
import type { SetShadowRequest } from "./registry.ts";

/** In place of the one before; without one, none is asked. Throws adapter_not_found, alias_not_found, conflict. */
export async function setShadow(
  context: RegistryContext,
  owner: AdapterOwner,
  { actor, why, shadow }: SetShadowRequest,
): Promise<void> {
  const after = shadow && { shadow };
  const plan = async (state: AdapterState) => {
    await getLatestVersion(context, owner, state);
    if (shadow && !findPointer(state, shadow.alias)) {
      throw new RegistryError(
        "alias_not_found",
        `Adapter ${owner.name} has no alias ${shadow.alias} to be its shadow: point it at a version first.`,
      );
    }
    const { shadow: before, ...rest } = state;
    if (JSON.stringify(before) === JSON.stringify(shadow)) return undefined;
    return { state: { ...rest, ...after }, entry: { action: "set_shadow", ...after } as const };
  };
  await changeAdapter(context, owner, { plan, ...changeOptions({ actor, why }) });
}

/** Throws adapter_not_found. */
export async function getShadow(context: RegistryContext, owner: AdapterOwner): Promise<Shadow | undefined> {
  const state = await readState(context, owner);
  await getLatestVersion(context, owner, state);
  return state.shadow;
}

/** As getShadow, without looking whether there is such an adapter: beside requests, and from memory where it can be. */
export async function findShadow(context: RegistryContext, owner: AdapterOwner): Promise<Shadow | undefined> {
  const { deleted, shadow } = await readState(context, owner);
  return deleted ? undefined : shadow;
}
