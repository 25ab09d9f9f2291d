// Brings a store's adapters to another store: folder to S3, S3 to folder. The source is only read, and nothing is
// removed from the target. What is there already is not sent again: a mirror that was interrupted is simply run again,
// and one that is run often costs what changed. Keys, of the API and for signatures, limits and idempotency keys
// stay where they are, since each store has its own.
import { randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import { auditEntrySchema } from "../change.ts";
import { createRegistry } from "../create-registry.ts";
import { datasetSchema } from "../dataset-record.ts";
import { createEnsureLayout, requireKnownLayout } from "../ensure-layout.ts";
import { RegistryError, type RegistryErrorCode } from "../errors.ts";
import { feedbackSchema } from "../feedback.ts";
import {
  type AdapterOwner,
  adaptersPrefix,
  auditPrefix,
  datasetsPrefix,
  feedbackPrefix,
  lastSegment,
  tenantsPrefix,
  usageKey,
} from "../layout.ts";
import {
  MIRRORED_BLOB_REMEMBERED_MS_MAX,
  MIRRORED_BLOBS_REMEMBERED_MAX,
  MIRRORED_BYTES_IN_FLIGHT_MAX,
  STORE_REQUESTS_IN_FLIGHT_MAX,
} from "../limits.ts";
import { listPages } from "../list-all.ts";
import { mapInParallel } from "../map-in-parallel.ts";
import type { ObjectStore } from "../object-store/object-store.ts";
import { putIf, readRecord } from "../records.ts";
import { type AdapterName, parseAdapterName, parseTenantId, type TenantId } from "../registry.ts";
import { detailsOf, groupsOf, parsed } from "../walk-store.ts";
import { Gate } from "./gate.ts";
import { isOfAdapter, mirrorAdapter } from "./mirror-adapter.ts";
import type { MirrorContext, MirrorCount } from "./mirror-context.ts";
import { missingKeys } from "./missing-keys.ts";
import { sendBlob } from "./send-blob.ts";
import { sendOnce } from "./send-once.ts";
import { UnwrittenStore } from "./unwritten-store.ts";

export interface MirrorOptions {
  /** Default: every tenant of the source. */
  readonly tenant?: TenantId;
  /** This adapter alone, or those whose names begin so. Then of the audit only their entries go along. */
  readonly name?: AdapterName;
  readonly prefix?: string;
  /** Datasets and feedback too, which are larger than what was learned from them, and hold texts. */
  readonly datasets?: boolean;
  /** Writes nothing, and counts what would be sent. */
  readonly dryRun?: boolean;
  /** Gives up changes that were made at the target alone: aliases, deletions. Versions and segments never. */
  readonly force?: boolean;
  readonly onProblem?: (problem: MirrorProblem) => void;
  readonly onProgress?: (total: MirrorCount) => void;
}

/** What was not mirrored, or not in full, and why; the rest was. */
export interface MirrorProblem {
  readonly tenant: TenantId;
  /** Absent where it is a dataset, an entry of the audit, or the count of what is used. */
  readonly adapter?: AdapterName;
  readonly code: RegistryErrorCode;
  readonly message: string;
}

/** Throws adapter_not_found for a name that no tenant has, store_unsuitable, store_unreachable, store_refused. */
export async function mirrorStore(
  stores: { readonly source: ObjectStore; readonly target: ObjectStore },
  options: MirrorOptions = {},
): Promise<MirrorCount> {
  const { tenant, name, onProblem = () => undefined } = options;
  const context = createContext(stores, options);
  await requireKnownLayout(context.source);
  await createEnsureLayout(context.target)();
  const run = { ...options, context, onProblem };
  if (tenant !== undefined) await mirrorTenant(run, tenant);
  else {
    for await (const folder of groupsOf(context.source, tenantsPrefix)) {
      const found = parsed(() => parseTenantId(lastSegment(folder)));
      if (found) await mirrorTenant(run, found);
    }
  }
  const { adapters, failed } = context.total;
  const isFound = adapters.changed + adapters.unchanged + adapters.diverged + failed > 0;
  if (name === undefined || isFound) return context.total;
  throw new RegistryError("adapter_not_found", `The source has no adapter ${name}: list what it has.`);
}

function createContext(
  { source, target }: { source: ObjectStore; target: ObjectStore },
  options: MirrorOptions,
): MirrorContext {
  const written = options.dryRun ? new UnwrittenStore(target) : target;
  return {
    source,
    target: written,
    keeper: { store: written, now: () => new Date(), randomBytes },
    force: options.force ?? false,
    turns: new Gate(STORE_REQUESTS_IN_FLIGHT_MAX),
    room: new Gate(MIRRORED_BYTES_IN_FLIGHT_MAX),
    blobs: new LRUCache({ max: MIRRORED_BLOBS_REMEMBERED_MAX, ttl: MIRRORED_BLOB_REMEMBERED_MS_MAX }),
    total: {
      adapters: { changed: 0, unchanged: 0, diverged: 0 },
      ...{ failed: 0, versions: 0, blobs: 0, datasets: 0, bytes: 0 },
    },
    onProgress: options.onProgress ?? (() => undefined),
  };
}

interface Run extends Pick<MirrorOptions, "name" | "prefix" | "datasets" | "dryRun"> {
  readonly context: MirrorContext;
  readonly onProblem: (problem: MirrorProblem) => void;
}

async function mirrorTenant(run: Run, tenant: TenantId): Promise<void> {
  const written = { targetMs: 0, isChanged: false };
  if (run.datasets) await mirrorDatasets(run, tenant, written);
  for await (const names of pagesOfNames(run, tenant)) {
    await mapInParallel(names, (name) => mirrorOne(run, tenant, { name, written }));
  }
  if (run.dryRun) return;
  if (run.name === undefined && run.prefix === undefined) await mirrorAudit(run, tenant);
  await orReport(run, { tenant }, () => recount(run.context, tenant, written));
}

/** Of one tenant's part of the target: when it was last written before, and whether it was now. */
interface Written {
  targetMs: number;
  isChanged: boolean;
}

async function* pagesOfNames(
  { context, name, prefix }: Run,
  tenant: TenantId,
): AsyncGenerator<readonly AdapterName[]> {
  if (name !== undefined) return void (yield [name]);
  const start = prefix === undefined ? "" : parseAdapterName(prefix);
  const listing = { prefix: `${adaptersPrefix(tenant)}${start}`, delimiter: "/" } as const;
  for await (const { prefixes } of listPages(context.source, listing)) {
    const names = prefixes.map((folder) => parsed(() => parseAdapterName(lastSegment(folder))));
    yield names.filter((found) => found !== undefined);
  }
}

async function mirrorOne(
  run: Run,
  tenant: TenantId,
  { name, written }: { name: AdapterName; written: Written },
): Promise<void> {
  const { context } = run;
  const { adapters } = context.total;
  const mirrored = await orReport(run, { tenant, adapter: name }, () =>
    mirrorAdapter(context, { tenant, name }),
  );
  if (!mirrored) {
    // A part of it may have been sent.
    written.isChanged = true;
  } else if (mirrored.outcome !== "absent") {
    adapters[mirrored.outcome] += 1;
    if (run.datasets) await mirrorFeedback(run, { tenant, name }, written);
    written.targetMs = Math.max(written.targetMs, mirrored.targetMs);
    written.isChanged ||= mirrored.outcome === "changed";
  }
  context.onProgress(context.total);
}

/** Undefined where it failed and the rest need not. */
async function orReport<Result>(
  { context, onProblem }: Run,
  place: Pick<MirrorProblem, "tenant" | "adapter">,
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!isOfAdapter(error)) throw error;
    if (error.code === "mirror_diverged") context.total.adapters.diverged += 1;
    else context.total.failed += 1;
    onProblem({ ...place, code: error.code, message: error.publicMessage });
    return undefined;
  }
}

/** Their records never change, and each has an id of its own. */
async function mirrorDatasets(run: Run, tenant: TenantId, written: Written): Promise<void> {
  const { context } = run;
  const onFound = ({ modifiedMs }: { modifiedMs: number }) => {
    written.targetMs = Math.max(written.targetMs, modifiedMs);
  };
  for await (const keys of missingKeys(context, datasetsPrefix(tenant), onFound)) {
    written.isChanged ||= keys.length > 0;
    await mapInParallel(keys, (key) => orReport(run, { tenant }, () => sendDataset(context, tenant, key)));
  }
}

async function sendDataset(context: MirrorContext, tenant: TenantId, key: string): Promise<void> {
  const record = await readRecord(context.source, key, datasetSchema);
  if (!record) return;
  await sendBlob(context, tenant, record.value);
  await putIf(context.target, key, { bytes: record.bytes, condition: { ifNoneMatch: "*" } });
  context.total.datasets += 1;
}

/** Of versions that stand at the target by now. What was deleted at the source stays at the target. */
async function mirrorFeedback(run: Run, owner: AdapterOwner, written: Written): Promise<void> {
  const { context } = run;
  const { tenant, name: adapter } = owner;
  for await (const keys of missingKeys(context, feedbackPrefix(owner))) {
    written.isChanged ||= keys.length > 0;
    await mapInParallel(keys, (key) =>
      orReport(run, { tenant, adapter }, () => sendOnce(context, key, feedbackSchema)),
    );
  }
}

/** What no adapter has brought along: of datasets, keys, limits and publishes that died. */
async function mirrorAudit(run: Run, tenant: TenantId): Promise<void> {
  const { context } = run;
  for await (const keys of missingKeys(context, auditPrefix(tenant))) {
    await mapInParallel(keys, (key) =>
      orReport(run, { tenant }, () => sendOnce(context, key, auditEntrySchema)),
    );
  }
}

/**
 * The tenant's usage at the target: counted anew where something was written after it was counted, be it by a mirror
 * that was interrupted. Where it was never counted, who asks for it first counts.
 */
async function recount(
  { target }: MirrorContext,
  tenant: TenantId,
  { targetMs, isChanged }: Written,
): Promise<void> {
  const counted = await detailsOf(target, usageKey(tenant));
  if (!counted || (!isChanged && targetMs < counted.modifiedMs)) return;
  await createRegistry({ store: target }).recountUsage(tenant);
}
