// Before an alias leads requests to another version, that version may be loaded where it will be asked for:
// then no request waits for it.
import type { RegistryContext } from "./context.ts";
import { findVersion } from "./find-version.ts";
import type { AdapterOwner } from "./layout.ts";
import { BEFORE_SWITCH_MS_MAX } from "./limits.ts";
import type { ResolvedAdapter, TenantId } from "./registry.ts";

export type BeforeSwitch = (tenant: TenantId, adapter: ResolvedAdapter) => Promise<void>;

/** Never rejects, and waits no longer than BEFORE_SWITCH_MS_MAX: a version that cannot be loaded tells its requests. */
export async function prepareSwitch(
  context: RegistryContext,
  owner: AdapterOwner,
  { version, beforeSwitch }: { version: number; beforeSwitch: BeforeSwitch },
): Promise<void> {
  const prepared = findVersion(context, owner, version)
    .then((adapter) => adapter && beforeSwitch(owner.tenant, adapter))
    .catch(() => undefined);
  await new Promise<void>((resolve) => {
    const late = setTimeout(resolve, BEFORE_SWITCH_MS_MAX);
    prepared.then(() => {
      clearTimeout(late);
      resolve();
    });
  });
}
