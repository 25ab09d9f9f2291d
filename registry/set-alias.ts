import type { RegistryContext } from "./context.ts";
import { getVersion } from "./find-version.ts";
import { moveAlias } from "./move-alias.ts";
import { type AdapterName, parseAlias, type TenantId } from "./registry.ts";

/** Points an alias at a version that exists; also the way back. Throws adapter_not_found, version_not_found, conflict. */
export async function setAlias(
  context: RegistryContext,
  tenant: TenantId,
  { name, alias, version }: { name: AdapterName; alias: string; version: number },
): Promise<void> {
  const owner = { tenant, name };
  parseAlias(alias);
  await getVersion(context, owner, version);
  await context.ensureLayout();
  await moveAlias(context, owner, { alias, version, by: "set" });
}
