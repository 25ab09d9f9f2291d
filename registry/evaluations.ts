// What a version answers of a test set: a dataset of the tenant that versions are compared on. One record for each
// version and dataset, written once: a version's answers do not change. Manifests say nothing of it, since a test set
// may be newer than the version. By the dataset's id, not its bytes: the same file read by other columns is another.
import { z } from "zod";
import { findPointer, readState } from "./adapter-state.ts";
import { writeAudit } from "./audit.ts";
import { type Actor, createStamp } from "./change.ts";
import type { RegistryContext } from "./context.ts";
import { getDatasetRecord } from "./datasets.ts";
import { RegistryError } from "./errors.ts";
import { getVersion } from "./find-version.ts";
import { type AdapterOwner, DATASET_ID, evaluationKey } from "./layout.ts";
import { TEST_SET_ROWS_MAX } from "./limits.ts";
import { digestSchema } from "./manifest.ts";
import { encodeRecord, putIf, readRecord } from "./records.ts";
import type { ResolvedAdapter, TenantId } from "./registry.ts";

const share = z.number().min(0).max(1);

const figureFields = {
  accuracy: share,
  macroF1: share,
  /** How the backbone was computed. */
  precision: z.enum(["fp32", "int8"]),
  /** Version of Softgate that answered. */
  softgate: z.string(),
};

export const evaluationSchema = z.strictObject({
  dataset: z.strictObject({ id: z.string().regex(DATASET_ID), digest: digestSchema, rows: z.int().min(1) }),
  /** Of the version's manifest. */
  adapterDigest: digestSchema,
  ...figureFields,
  at: z.iso.datetime(),
  by: z.string(),
  requestId: z.string().exactOptional(),
});

export type StoredEvaluation = z.infer<typeof evaluationSchema>;

/** Figures on all rows of a dataset. */
export interface NewEvaluation
  extends Pick<StoredEvaluation, "accuracy" | "macroF1" | "precision" | "softgate"> {
  readonly datasetId: string;
  readonly rows: number;
}

/**
 * Which of several comes first stands, and is what all get back. Throws adapter_not_found, version_not_found,
 * dataset_not_found, conflict where the rows are not the dataset's.
 */
export async function recordEvaluation(
  context: RegistryContext,
  owner: AdapterOwner,
  { version, ...given }: NewEvaluation & { version: number; actor?: Actor },
): Promise<StoredEvaluation> {
  return writeEvaluation(context, owner, {
    ...given,
    adapter: await getVersion(context, owner, { version }),
  });
}

/** Of a version that was just published, too. Throws as recordEvaluation. */
export async function writeEvaluation(
  context: RegistryContext,
  owner: AdapterOwner,
  { adapter, actor, ...given }: NewEvaluation & { adapter: ResolvedAdapter; actor?: Actor },
): Promise<StoredEvaluation> {
  const { datasetId, rows, ...figures } = given;
  const { version } = adapter;
  const standing = await findEvaluation(context, owner, { version, datasetId });
  if (standing) return standing;
  const dataset = await getDatasetRecord(context, owner.tenant, datasetId);
  if (rows !== dataset.rows) {
    const message = `Test set ${datasetId} has ${dataset.rows} rows, and ${rows} were answered: evaluate it on all.`;
    throw new RegistryError("conflict", message);
  }
  await context.ensureLayout();
  const { id, at, by, requestId } = createStamp(context, actor ? { actor } : {});
  const made = { at, by, ...(requestId !== undefined && { requestId }) };
  const entry = {
    id,
    ...made,
    action: "record_evaluation",
    adapter: owner.name,
    version,
    datasetId,
  } as const;
  await writeAudit(context, owner.tenant, entry);
  const record = evaluationSchema.parse({
    dataset: { id: datasetId, digest: dataset.digest, rows },
    adapterDigest: adapter.digest,
    ...figures,
    ...made,
  });
  const key = evaluationKey(owner, version, datasetId);
  const bytes = encodeRecord(record);
  if (await putIf(context.store, key, { bytes, condition: { ifNoneMatch: "*" } })) return record;
  const first = await findEvaluation(context, owner, { version, datasetId });
  if (!first) throw new Error(`invariant: ${key} is taken and absent`);
  return first;
}

/** Throws blob_corrupt. */
export async function findEvaluation(
  { store }: Pick<RegistryContext, "store">,
  owner: AdapterOwner,
  { version, datasetId }: { version: number; datasetId: string },
): Promise<StoredEvaluation | undefined> {
  return (await readRecord(store, evaluationKey(owner, version, datasetId), evaluationSchema))?.value;
}

/** What an alias is held to, by a rule on a test set. */
export interface TestSet {
  readonly datasetId: string;
  /** Where the alias points. */
  readonly version: number;
  /** Whether that version's figures are there. */
  readonly isEvaluated: boolean;
}

/** Undefined where the alias is not there, or is held to no test set. */
export async function findTestSet(
  context: RegistryContext,
  owner: AdapterOwner,
  alias: string,
): Promise<TestSet | undefined> {
  const state = await readState(context, owner);
  const pointer = state.deleted ? undefined : findPointer(state, alias);
  const rule = pointer?.protection?.rule;
  if (!pointer || rule?.on !== "testSet") return undefined;
  const { version } = pointer;
  const { datasetId } = rule;
  const evaluation = await findEvaluation(context, owner, { version, datasetId });
  return { datasetId, version, isEvaluated: evaluation !== undefined };
}

/** Throws dataset_not_found, limit_exceeded. */
export async function requireTestSet(context: RegistryContext, tenant: TenantId, id: string): Promise<void> {
  const { rows } = await getDatasetRecord(context, tenant, id);
  if (rows <= TEST_SET_ROWS_MAX) return;
  throw new RegistryError(
    "limit_exceeded",
    `A test set has at most ${TEST_SET_ROWS_MAX} rows, and this dataset ${rows}: upload a part of it.`,
  );
}
