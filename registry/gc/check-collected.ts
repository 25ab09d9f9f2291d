// For tests: what must hold of a store in which garbage was collected beside everything else, once all is quiet.
import { expect } from "vitest";
import { checkStore } from "../fsck/check-store.ts";
import type { Finding } from "../fsck/findings.ts";
import { blobKeyOf, blobsPrefix, describeKey } from "../layout.ts";
import { listAll } from "../list-all.ts";
import { dropNamed } from "../named-blobs.ts";
import type { ObjectStore } from "../object-store/object-store.ts";
import type { Registry } from "../registry.ts";
import { alpha } from "../test-registry.ts";
import { readMark } from "./garbage-mark.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;
/** Past every window in which something can be restored. */
const WINDOW_MS = 31 * DAY_MS;

interface Quiet {
  readonly registry: Registry;
  readonly clock: { nowMs: number };
}

/** Two collections later nothing is left that nothing names, a third one later no mark of it; and fsck says so. */
export async function checkCollected(store: ObjectStore, quiet: Quiet): Promise<void> {
  // What a retention does not keep is deleted, what is deleted is removed; those that follow find its blobs.
  await collectAfter(WINDOW_MS, quiet);
  await collectAfter(WINDOW_MS, quiet);
  await collectAfter(DAY_MS, quiet);
  await collectAfter(DAY_MS, quiet);
  const { keys } = await listAll(store, { prefix: blobsPrefix(alpha) });
  const unnamed = new Set(keys.filter((key) => blobKeyOf(key) === key));
  await dropNamed({ store }, alpha, unnamed);
  expect([...unnamed]).toEqual([]);
  await collectAfter(DAY_MS, quiet);
  const left = (await listAll(store, { prefix: blobsPrefix(alpha) })).keys;
  for (const key of left.filter((each) => blobKeyOf(each) !== each)) {
    expect(left).toContain(blobKeyOf(key));
    expect((await readMark({ store }, blobKeyOf(key)))?.state).toBe("kept");
  }
  await checkFindings(store);
}

async function collectAfter(waitMs: number, { registry, clock }: Quiet): Promise<void> {
  clock.nowMs += waitMs;
  await registry.collectGarbage(alpha);
}

/** Repairs first what died between two writes: that is fsck's to do, not a collector's. */
async function checkFindings(store: ObjectStore): Promise<void> {
  await checkStore(store, { repair: true });
  const findings: Finding[] = [];
  await checkStore(store, { onFinding: (finding) => findings.push(finding) });
  expect(findings.filter((finding) => !isOfHalted(finding))).toEqual([]);
}

/** Of a publish that stood still for hours just before its manifest was written: nobody was told of it. */
function isOfHalted({ code, key }: Finding): boolean {
  return code === "blob_missing" && describeKey(key)?.kind === "manifest";
}
