// Before an alias leads requests to another version, that version may be loaded where it will be asked for:
// then no request waits for it.
import type { RegistryContext } from "./context.ts";
import { findVersion } from "./find-version.ts";
import type { AdapterOwner } from "./layout.ts";
import { BEFORE_SWITCH_MS_MAX } from "./limits.ts";
import type { ResolvedAdapter, TenantId } from "./registry.ts";
import { recentTrust, requireSigned } from "./signing/require-signed.ts";

export type BeforeSwitch = (tenant: TenantId, adapter: ResolvedAdapter) => Promise<void>;

/** Never rejects, and waits no longer than BEFORE_SWITCH_MS_MAX: a version that cannot be loaded tells its requests. */
export async function prepareSwitch(
  context: RegistryContext,
  owner: AdapterOwner,
  { version, beforeSwitch }: { version: number; beforeSwitch: BeforeSwitch },
): Promise<void> {
  const prepared = load(context, owner, { version, beforeSwitch }).catch(() => undefined);
  await new Promise<void>((resolve) => {
    const late = setTimeout(resolve, BEFORE_SWITCH_MS_MAX);
    prepared.then(() => {
      clearTimeout(late);
      resolve();
    });
  });
}

/** What is not signed as its tenant requires is not loaded; who wanted to switch to it is told. */
async function load(
  context: RegistryContext,
  owner: AdapterOwner,
  { version, beforeSwitch }: { version: number; beforeSwitch: BeforeSwitch },
): Promise<void> {
  const { tenant } = owner;
  const adapter = await findVersion(context, owner, version);
  if (!adapter) return;
  requireSigned(context, { tenant, adapter, trust: await recentTrust(context, tenant) });
  await beforeSwitch(tenant, adapter);
}
