// One object of a store, by what its key says it is: its shape, and that what it names is there.
import { createHash } from "node:crypto";
import { z } from "zod";
import { auditEntrySchema, tenantLimitsSchema } from "../change.ts";
import { claimSchema, publicationSchema } from "../claim-version.ts";
import { datasetSchema } from "../dataset-record.ts";
import { digestOf } from "../digest.ts";
import { keySchema } from "../key-record.ts";
import { keyUseSchema } from "../key-uses.ts";
import { auditKey, copyOfKey, describeKey, type KeyKind, lastSegment } from "../layout.ts";
import { BLOB_PART_BYTES } from "../limits.ts";
import type { ObjectDetails } from "../object-store/object-store.ts";
import { onceSchema } from "../once.ts";
import { parseAdapterName, parseTenantId } from "../registry.ts";
import { signingSchema } from "../signing/signing-record.ts";
import { storedBackboneSchema } from "../stored-backbone.ts";
import { tenantSchema } from "../tenants.ts";
import { uploadSchema } from "../uploads.ts";
import { usageSchema } from "../usage.ts";
import { parsed } from "../walk-store.ts";
import { type CheckContext, checkNamedBlob, type Place, readChecked } from "./check-context.ts";
import { checkMark } from "./check-mark.ts";
import { checkSegment, checkState } from "./check-state.ts";
import { checkClaim, checkEvaluation, checkFeedback, checkManifest } from "./check-version.ts";

type Check = (context: CheckContext, object: ObjectDetails, place: Place) => Promise<void>;

/** Reports what it finds. Throws store_unreachable, store_refused. */
export async function checkObject(context: CheckContext, object: ObjectDetails): Promise<void> {
  const described = describeKey(object.key);
  const place = described && placeOf(described);
  if (!described || !place) return context.report("unknown_object", object.key);
  await checkByKind[described.kind](context, object, place);
}

/** Names that no key of that kind has stand in for none. */
function placeOf({ tenant, name }: { tenant: string; name: string }): Place | undefined {
  return parsed(() => ({
    tenant: parseTenantId(tenant || "none"),
    name: parseAdapterName(name || "none"),
  }));
}

const checkByKind = {
  layout: (context, { key }) => checkRecord(context, key, z.object({ layout: z.int() })),
  key: (context, { key }) => checkRecord(context, key, keySchema),
  keyUse: (context, { key }) => checkRecord(context, key, keyUseSchema),
  // One whose key is gone is removed when the tenant needs room. Keys are not in the tenant's part of the store.
  keyMark: async () => undefined,
  tenant: (context, { key }) => checkRecord(context, key, tenantSchema),
  limits: (context, { key }) => checkRecord(context, key, tenantLimitsSchema),
  usage: (context, { key }) => checkRecord(context, key, usageSchema),
  signing: (context, { key }) => checkRecord(context, key, signingSchema),
  backbone: (context, { key }) => checkRecord(context, key, storedBackboneSchema),
  backboneFile: async ({ store, report }, { key }) => {
    const stored = await store.get(key);
    const isWhole = !stored || digestOf(stored.bytes) === `sha256:${lastSegment(key)}`;
    if (!isWhole) await report("blob_damaged", key);
  },
  probe: async (context, { key, modifiedMs }) => {
    if (context.isYoung(modifiedMs)) return;
    await context.report("probe_left", key, { repair: () => context.store.delete(key) });
  },
  claim: async (context, object, place) => {
    await checkRecord(context, object.key, claimSchema);
    await checkClaim(context, object, place);
  },
  manifest: checkManifest,
  evaluation: checkEvaluation,
  feedback: checkFeedback,
  state: checkState,
  segment: checkSegment,
  blob: checkBlob,
  dataset: checkDataset,
  upload: (context, { key }) => checkRecord(context, key, uploadSchema),
  once: (context, { key }) => checkRecord(context, key, onceSchema),
  publication: (context, { key }) => checkRecord(context, key, publicationSchema),
  audit: (context, { key }, { tenant }) =>
    checkRecord(
      context,
      key,
      auditEntrySchema.refine((entry) => auditKey(tenant, entry) === key),
    ),
  mark: checkMark,
} satisfies Record<KeyKind, Check>;

async function checkRecord(context: CheckContext, key: string, schema: z.ZodType): Promise<void> {
  await readChecked(context, key, schema);
}

async function checkBlob({ store, blobs, report, isYoung }: CheckContext, object: ObjectDetails) {
  const { key, modifiedMs, bytes } = object;
  const hash = createHash("sha256");
  for (let from = 0; from < bytes; from += BLOB_PART_BYTES) {
    const part = await store.getPart(key, { from, bytesMax: BLOB_PART_BYTES });
    // It is gone by now.
    if (!part) return;
    hash.update(part);
  }
  if (`sha256:${hash.digest("hex")}` !== copyOfKey(key).digest) await report("blob_damaged", key);
  if (!isYoung(modifiedMs)) blobs.add(key);
}

async function checkDataset(context: CheckContext, { key }: ObjectDetails, { tenant }: Place): Promise<void> {
  const id = lastSegment(key).replace(".json", "");
  const record = await readChecked(
    context,
    key,
    datasetSchema.refine((dataset) => dataset.id === id),
  );
  if (record) await checkNamedBlob(context, key, { tenant, ...record });
}
