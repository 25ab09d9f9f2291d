// A tenant that an operator has made by name. Tenants need not be: whatever is written for a name makes it one. The
// record says what the name stands for, and keeps a second one from being made by mistake.
import { z } from "zod";
import { writeAudit } from "./audit.ts";
import { createStamp } from "./change.ts";
import { createNonce, type RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import { tenantRecordKey } from "./layout.ts";
import { TENANT_DESCRIPTION_LENGTH_MAX } from "./limits.ts";
import { encodeRecord, putIf, readRecord } from "./records.ts";
import { type CreateTenantOptions, parseTenantId, type TenantId, type TenantRecord } from "./registry.ts";

export const tenantSchema = z.strictObject({
  id: z.string().transform(parseTenantId),
  description: z.string().max(TENANT_DESCRIPTION_LENGTH_MAX),
  createdAt: z.iso.datetime(),
  /** Of the writer: two that make the same tenant at once write different bytes. */
  nonce: z.string(),
});

/** Throws conflict where it was made before, limit_exceeded. */
export async function createTenant(
  context: RegistryContext,
  tenant: TenantId,
  { description = "", actor }: CreateTenantOptions,
): Promise<TenantRecord> {
  if (description.length > TENANT_DESCRIPTION_LENGTH_MAX) {
    const message = `The description is longer than ${TENANT_DESCRIPTION_LENGTH_MAX} characters: shorten it.`;
    throw new RegistryError("limit_exceeded", message);
  }
  await context.ensureLayout();
  const key = tenantRecordKey(tenant);
  if (await readRecord(context.store, key, tenantSchema)) throw exists(tenant);
  const stamp = createStamp(context, actor ? { actor } : {});
  const record = { id: parseTenantId(tenant), description, createdAt: stamp.at };
  await writeAudit(context, tenant, { ...stamp, action: "create_tenant" });
  const bytes = encodeRecord({ ...record, nonce: createNonce(context) });
  if (await putIf(context.store, key, { bytes, condition: { ifNoneMatch: "*" } })) return record;
  throw exists(tenant);
}

/** Undefined for a tenant that was not made by name. */
export async function getTenant(
  { store }: RegistryContext,
  tenant: TenantId,
): Promise<TenantRecord | undefined> {
  const found = await readRecord(store, tenantRecordKey(tenant), tenantSchema);
  if (!found) return undefined;
  const { nonce: _, ...record } = found.value;
  return record;
}

function exists(tenant: TenantId): RegistryError {
  return new RegistryError(
    "conflict",
    `Tenant ${tenant} exists. For another key of it: softgate keys create.`,
  );
}
