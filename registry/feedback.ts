// What an adapter's users say it should have answered: one record for each, written once under a key of its own, never
// changed, and deleted by who asks. Each is of the version that answered, and goes with it: of a version that is
// deleted nothing is told, and a collection removes both. Nothing is learned from it until a retraining is
// asked for. Each record says whose it is; the audit has what each cannot say: who deleted it.
import { z } from "zod";
import { type AdapterState, isGone, readState } from "./adapter-state.ts";
import { writeAudit } from "./audit.ts";
import { type Actor, createStamp } from "./change.ts";
import { createNonce, type RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import { getLatestVersion, getVersion } from "./find-version.ts";
import {
  type AdapterOwner,
  auditRank,
  FEEDBACK_ID,
  feedbackKey,
  feedbackPrefix,
  versionOfKey,
} from "./layout.ts";
import {
  FEEDBACK_BYTES_MAX,
  FEEDBACK_PER_ADAPTER_MAX,
  FEEDBACK_PER_PAGE_MAX,
  FEEDBACK_TEXT_CHARACTERS_MAX,
} from "./limits.ts";
import { listPages } from "./list-all.ts";
import { mapInParallel } from "./map-in-parallel.ts";
import { clampLimit, encodeRecord, putIf, readRecord } from "./records.ts";
import { release, reserve } from "./usage.ts";
import { detailsOf, objectPages } from "./walk-store.ts";

const text = z.string().min(1).max(FEEDBACK_TEXT_CHARACTERS_MAX);

export const feedbackSchema = z.strictObject({
  id: z.string().regex(FEEDBACK_ID),
  /** Of the adapter, that answered. */
  version: z.int().min(1),
  text,
  textPair: text.exactOptional(),
  /** The right one. */
  label: z.string().min(1).max(100),
  /** What was answered, where the caller tells. */
  answered: z
    .strictObject({
      label: z.string().min(1).max(100).exactOptional(),
      score: z.number().min(0).max(1).exactOptional(),
      requestId: z.string().min(1).max(200).exactOptional(),
    })
    .exactOptional(),
  at: z.iso.datetime(),
  by: z.string(),
});

export type FeedbackRecord = z.infer<typeof feedbackSchema>;

export type NewFeedback = Omit<FeedbackRecord, "id" | "at" | "by"> & { readonly actor?: Actor };

export interface FeedbackPage {
  /** The id that the page before ended with. */
  readonly after?: string;
  readonly limit?: number;
}

/** Throws adapter_not_found, version_not_found, limit_exceeded, quota_exceeded, conflict. */
export async function addFeedback(
  context: RegistryContext,
  owner: AdapterOwner,
  { actor, ...given }: NewFeedback,
): Promise<FeedbackRecord> {
  const { version } = given;
  await getVersion(context, owner, { version });
  const now = context.now();
  const id = `fb_${version}_${auditRank(now)}${createNonce(context)}`;
  const { at, by } = createStamp(context, actor ? { actor } : {});
  const record = feedbackSchema.parse({ ...given, id, at, by });
  const bytes = encodeRecord(record);
  await requireRoomForFeedback(context, owner, bytes.byteLength);
  await context.ensureLayout();
  await reserve(context, owner.tenant, { bytes: bytes.byteLength });
  try {
    const key = feedbackKey(owner, id);
    if (!(await putIf(context.store, key, { bytes, condition: { ifNoneMatch: "*" } }))) {
      throw new Error(`invariant: ${key} is taken`);
    }
  } catch (error) {
    await release(context, owner.tenant, { bytes: bytes.byteLength });
    throw error;
  }
  return record;
}

/** The newest version's first, of each the newest first. Throws adapter_not_found, feedback_not_found, blob_corrupt. */
export async function listFeedback(
  context: RegistryContext,
  owner: AdapterOwner,
  { after, limit: asked }: FeedbackPage = {},
): Promise<{ feedback: FeedbackRecord[]; next?: string }> {
  if (after !== undefined && !FEEDBACK_ID.test(after)) throw notFound();
  const limit = clampLimit(asked, FEEDBACK_PER_PAGE_MAX);
  const state = await readLive(context, owner);
  const keys: string[] = [];
  for await (const page of keysOf(context, owner, { state, ...(after !== undefined && { after }) })) {
    keys.push(...page.slice(0, limit + 1 - keys.length));
    if (keys.length > limit) break;
  }
  const feedback = await readAll(context, keys.slice(0, limit));
  const next = keys.length > limit ? idOfKey(keys[limit - 1] ?? "") : undefined;
  return { feedback, ...(next !== undefined && { next }) };
}

/** All of it, at most FEEDBACK_PER_ADAPTER_MAX and those under way; the newest first. Throws adapter_not_found. */
export async function readFeedback(context: RegistryContext, owner: AdapterOwner): Promise<FeedbackRecord[]> {
  const state = await readLive(context, owner);
  const feedback: FeedbackRecord[] = [];
  for await (const keys of keysOf(context, owner, { state }))
    feedback.push(...(await readAll(context, keys)));
  return feedback.sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
}

/** Throws adapter_not_found, feedback_not_found. */
export async function deleteFeedback(
  context: RegistryContext,
  owner: AdapterOwner,
  { id, actor }: { readonly id: string; readonly actor?: Actor },
): Promise<void> {
  const state = await readLive(context, owner);
  const key = FEEDBACK_ID.test(id) ? feedbackKey(owner, id) : undefined;
  const isHidden = key === undefined || isGone(state, versionOfKey(key));
  const found = isHidden ? undefined : await detailsOf(context.store, key);
  if (!found) throw notFound();
  const entry = { action: "delete_feedback", adapter: owner.name, feedbackId: id } as const;
  await writeAudit(context, owner.tenant, { ...createStamp(context, actor ? { actor } : {}), ...entry });
  await context.store.delete(found.key);
  await release(context, owner.tenant, { bytes: found.bytes });
}

/** Of those under way at once each may see room for its own. */
async function requireRoomForFeedback(
  { store }: RegistryContext,
  owner: AdapterOwner,
  bytes: number,
): Promise<void> {
  const used = { count: 0, bytes };
  for await (const page of objectPages(store, feedbackPrefix(owner))) {
    used.count += page.length;
    used.bytes += page.reduce((sum, object) => sum + object.bytes, 0);
  }
  if (used.count < FEEDBACK_PER_ADAPTER_MAX && used.bytes <= FEEDBACK_BYTES_MAX) return;
  throw new RegistryError(
    "limit_exceeded",
    `Adapter ${owner.name} keeps at most ${FEEDBACK_PER_ADAPTER_MAX} examples and ${FEEDBACK_BYTES_MAX} bytes of feedback: retrain it, promote the result, and delete what it has learned.`,
  );
}

/** Throws adapter_not_found. */
async function readLive(context: RegistryContext, owner: AdapterOwner): Promise<AdapterState> {
  const state = await readState(context, owner);
  await getLatestVersion(context, owner, state);
  return state;
}

/** Page by page, without those of versions that are gone. */
async function* keysOf(
  { store }: RegistryContext,
  owner: AdapterOwner,
  { state, after }: { state: AdapterState; after?: string },
): AsyncGenerator<string[]> {
  const prefix = feedbackPrefix(owner);
  const start = after === undefined ? undefined : feedbackKey(owner, after);
  for await (const { keys } of listPages(store, { prefix, ...(start !== undefined && { after: start }) })) {
    yield keys.filter((key) => !isGone(state, versionOfKey(key)));
  }
}

async function readAll({ store }: RegistryContext, keys: readonly string[]): Promise<FeedbackRecord[]> {
  const found = await mapInParallel(keys, (key) => readRecord(store, key, feedbackSchema));
  // Others may delete some meanwhile.
  return found.flatMap((record) => (record ? [record.value] : []));
}

function idOfKey(key: string): string {
  return key.slice(key.lastIndexOf("/") + 1).replace(".json", "");
}

function notFound(): RegistryError {
  return new RegistryError(
    "feedback_not_found",
    "This adapter has no feedback of this id: list what it has.",
  );
}
