// What a tenant may have: the defaults of limits.ts, or what an operator has written for it. Limits of storage are read
// at every write that they bound, so a change is in effect at once; those of requests are remembered for a while.
import { writeAudit } from "./audit.ts";
import {
  type Actor,
  createStamp,
  type RateLimits,
  type StorageLimits,
  type TenantLimits,
  tenantLimitsSchema,
} from "./change.ts";
import type { RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import { tenantLimitsKey } from "./layout.ts";
import {
  ADAPTERS_PER_TENANT_DEFAULT,
  BYTES_PER_TENANT_DEFAULT,
  VERSIONS_PER_ADAPTER_DEFAULT,
} from "./limits.ts";
import { encodeRecord, readRecord } from "./records.ts";
import type { TenantId } from "./registry.ts";

const DEFAULTS: StorageLimits = {
  adapters: ADAPTERS_PER_TENANT_DEFAULT,
  versionsPerAdapter: VERSIONS_PER_ADAPTER_DEFAULT,
  bytes: BYTES_PER_TENANT_DEFAULT,
};

export type TenantLimitsInEffect = StorageLimits & RateLimits;

/** At most RATE_LIMITS_STALE_MS_MAX old. */
export async function getRateLimits(context: RegistryContext, tenant: TenantId): Promise<RateLimits> {
  const key = tenantLimitsKey(tenant);
  const read = async () => (await readRecord(context.store, key, tenantLimitsSchema))?.value ?? {};
  return (await context.rateLimits.read(key, read)) ?? {};
}

export async function readTenantLimits(
  { store }: RegistryContext,
  tenant: TenantId,
): Promise<TenantLimitsInEffect> {
  const own = await readRecord(store, tenantLimitsKey(tenant), tenantLimitsSchema);
  return { ...DEFAULTS, ...own?.value };
}

/** In place of all that were set before: what is left out is the default again. The last of several wins. */
export async function setTenantLimits(
  context: RegistryContext,
  tenant: TenantId,
  { limits, actor }: { limits: TenantLimits; actor?: Actor },
): Promise<TenantLimitsInEffect> {
  await context.ensureLayout();
  const stamp = createStamp(context, actor ? { actor } : {});
  await writeAudit(context, tenant, { ...stamp, action: "set_limits", limits });
  await context.store.put(tenantLimitsKey(tenant), encodeRecord(tenantLimitsSchema.parse(limits)));
  context.rateLimits.forget(tenantLimitsKey(tenant));
  return { ...DEFAULTS, ...limits };
}

const whatCounts = { adapters: "adapters", versionsPerAdapter: "versions of one adapter", bytes: "bytes" };
const howToFree = {
  adapters: "Delete adapters that are not needed",
  versionsPerAdapter: "Delete versions that are not needed, or use another name",
  bytes:
    "Delete adapters and versions that are not needed (their bytes are free once they are removed from the store and counted again)",
};

/** Throws quota_exceeded. Where nothing more is wanted, none is too much. */
export function requireWithin(
  what: keyof StorageLimits,
  { limit, used, more }: { limit: number; used: number; more: number },
): void {
  if (more === 0 || used + more <= limit) return;
  throw new RegistryError(
    "quota_exceeded",
    `You may have ${limit} ${whatCounts[what]}, have ${used}, and this needs ${more} more. ${howToFree[what]}, or ask the operator for a higher limit.`,
  );
}
