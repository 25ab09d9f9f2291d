// The changes of one adapter, newest first: those in its log, then segment by segment those before.
import { z } from "zod";
import { readState } from "./adapter-state.ts";
import { type AdapterChange, adapterChangeSchema } from "./change.ts";
import type { RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import { getLatestVersion } from "./find-version.ts";
import { type AdapterOwner, historySegmentKey } from "./layout.ts";
import { HISTORY_PER_PAGE_MAX, HISTORY_SEGMENT_CHANGES, HISTORY_SEGMENTS_PER_PAGE_MAX } from "./limits.ts";
import { clampLimit, readRecord } from "./records.ts";

export interface HistoryPage {
  /** Of this alias alone. */
  readonly alias?: string;
  /** A sequence: the `next` of the page before. */
  readonly before?: number;
  readonly limit?: number;
}

/**
 * A page of one alias may be shorter than its limit, even empty, and have a next: it reads so many
 * segments and no more. Throws adapter_not_found.
 */
export async function listHistory(
  context: RegistryContext,
  owner: AdapterOwner,
  { alias, before = Number.POSITIVE_INFINITY, limit: asked }: HistoryPage = {},
): Promise<{ changes: AdapterChange[]; next?: number }> {
  const { log } = await readState(context, owner);
  await getLatestVersion(context, owner);
  const limit = clampLimit(asked, HISTORY_PER_PAGE_MAX);
  const changes: AdapterChange[] = [];
  let reached = Math.min(before, (log.at(-1)?.sequence ?? 0) + 1);
  const oldestInLog = log[0]?.sequence ?? 1;
  let segments = 0;
  while (reached > 1 && changes.length < limit) {
    if (reached <= oldestInLog && segments >= HISTORY_SEGMENTS_PER_PAGE_MAX) break;
    if (reached <= oldestInLog) segments += 1;
    const part = reached > oldestInLog ? log : await readSegment(context, owner, reached - 1);
    for (const change of part.toReversed()) {
      if (change.sequence >= reached || changes.length === limit) continue;
      reached = change.sequence;
      if (alias === undefined || change.alias === alias) changes.push(change);
    }
  }
  return reached > 1 ? { changes, next: reached } : { changes };
}

/** The segment that holds this sequence. Throws blob_not_found. */
async function readSegment(
  { store }: RegistryContext,
  owner: AdapterOwner,
  sequence: number,
): Promise<AdapterChange[]> {
  const key = historySegmentKey(owner, Math.ceil(sequence / HISTORY_SEGMENT_CHANGES));
  const segment = (await readRecord(store, key, z.array(adapterChangeSchema)))?.value;
  if (segment?.some((change) => change.sequence === sequence)) return segment;
  throw new RegistryError("blob_not_found", `The history ${key} is gone from the store: restore it.`);
}
