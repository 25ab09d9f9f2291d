// For tests: what must hold of a store whose publisher came to an end anywhere. Nothing is damaged, what was answered
// is there, a repair leaves nothing but room taken up; and whoever makes the unanswered steps again, not knowing how
// far they came, ends where a publisher that was left alone ends.
import { expect } from "vitest";
import { z } from "zod";
import { createRandom } from "../../test/helpers/random.ts";
import { stateSchema } from "../adapter-state.ts";
import { adapterChangeSchema } from "../change.ts";
import { checkStore } from "../fsck/check-store.ts";
import type { FindingCode } from "../fsck/findings.ts";
import { historySegmentKey, stateKey, usageKey } from "../layout.ts";
import { listAll } from "../list-all.ts";
import { mapInParallel } from "../map-in-parallel.ts";
import { MemoryStore } from "../object-store/memory.ts";
import type { ObjectStore } from "../object-store/object-store.ts";
import { readRecord } from "../records.ts";
import type { AdapterName, Registry } from "../registry.ts";
import { alpha, decode, router } from "../test-registry.ts";
import type { Acknowledged } from "./publisher.ts";
import { openAsPublisher, type Scenario, type Step, scenarios } from "./steps.ts";

/** Told of a change whose process died before its end. All but the blob, which another publish may name, is repaired. */
const leftByDeath: readonly FindingCode[] = ["audit_missing", "blob_unnamed", "claim_unused"];

export interface Cut {
  readonly store: ObjectStore;
  readonly scenario: Scenario;
  readonly acknowledged: readonly Acknowledged[];
}

export async function checkCut({ store, scenario, acknowledged }: Cut): Promise<void> {
  const steps: readonly Step[] = scenarios[scenario];
  const answers = new Map(acknowledged.map(({ step, answer }) => [step, answer]));
  await expectAnswered(store, steps, answers);
  await expectFindings(store, leftByDeath, { repair: true });
  await expectFindings(store, ["blob_unnamed"]);
  await expectUsageAbove(store);

  const registry = openAsPublisher(store, createRandom(acknowledged.length + 1_000));
  for (const { name, make } of steps) {
    if (!answers.has(name)) answers.set(name, await make(registry, answers));
  }
  await expectAnswered(store, steps, answers);
  await expectPublishedOnce(store);
  await expectUsageAbove(store);
  await expectFindings(store, ["claim_unused"], { repair: true });
  await expectFindings(store, []);
}

/** What a reader of the store gets, to be looked at and written to where that takes no time. */
export async function copyToMemory(store: ObjectStore): Promise<ObjectStore> {
  const copy = new MemoryStore();
  const { keys } = await listAll(store, { prefix: "" });
  const read = async (key: string) => copy.put(key, (await store.get(key))?.bytes ?? new Uint8Array());
  await mapInParallel(keys, read);
  return copy;
}

/** Without grace: what is left is told however young it is. */
async function expectFindings(
  store: ObjectStore,
  allowed: readonly FindingCode[],
  { repair = false } = {},
): Promise<void> {
  const findings: string[] = [];
  await checkStore(store, {
    graceMs: 0,
    repair,
    onFinding: ({ code, key, detail = "" }) => {
      if (!allowed.includes(code)) findings.push(`${code} ${key} ${detail}`);
    },
  });
  expect(findings).toEqual([]);
}

/** In the history once where answered, and never twice. */
async function expectAnswered(
  store: ObjectStore,
  steps: readonly Step[],
  answers: ReadonlyMap<string, unknown>,
): Promise<void> {
  const reader = openAsPublisher(store, createRandom(1));
  for (const { name, find, adapter } of steps) {
    const isAnswered = answers.has(name);
    if (isAnswered) expect(await find(reader, answers.get(name)), name).toEqual(answers.get(name));
    if (!adapter) continue;
    const entries = (await reasonsOf(store, adapter)).filter((why) => why === name);
    expect(entries.length, `entries of ${name}`).toBeLessThanOrEqual(1);
    if (isAnswered) expect(entries, `entries of ${name}`).toHaveLength(1);
  }
}

/** As they are stored: of a deleted adapter nobody reads them. */
async function reasonsOf(store: ObjectStore, name: AdapterName): Promise<(string | undefined)[]> {
  const owner = { tenant: alpha, name };
  const log = (await readRecord(store, stateKey(owner), stateSchema))?.value.log ?? [];
  const { keys } = await listAll(store, { prefix: historySegmentKey(owner, 1).replace(/[^/]*$/, "") });
  const segments = await Promise.all(keys.map((key) => readRecord(store, key, z.array(adapterChangeSchema))));
  // A segment is written before the state that does without its changes.
  const changes = [...segments.flatMap((segment) => segment?.value ?? []), ...log];
  return [...new Map(changes.map(({ id, why }) => [id, why])).values()];
}

/** One version of each content, and of each version one entry in the audit. */
async function expectPublishedOnce(store: ObjectStore): Promise<void> {
  const reader = openAsPublisher(store, createRandom(1));
  const { versions } = await reader.listVersions(alpha, router, { limit: 200 });
  const texts = await Promise.all(versions.map(({ version }) => textOf(reader, version)));
  expect([...new Set(texts)]).toEqual(texts);
  const { entries } = await reader.listAudit(alpha, { limit: 200 });
  const told = entries.filter(({ action, adapter }) => action === "publish" && adapter === router);
  const byNumber = (left = 0, right = 0) => left - right;
  expect(told.map(({ version }) => version).sort(byNumber)).toEqual(
    versions.map(({ version }) => version).sort(byNumber),
  );
}

async function textOf(reader: Registry, version: number): Promise<string> {
  const { manifest } = await reader.resolve(alpha, { name: router, version });
  const { config } = await reader.readFiles(alpha, manifest);
  return decode(config).replace("config of ", "");
}

/** What a tenant is told to have is what it has, or more. The record is left as it was. */
async function expectUsageAbove(store: ObjectStore): Promise<void> {
  const registry = openAsPublisher(store, createRandom(2));
  const { adapters, bytes } = await registry.getUsage(alpha);
  const key = usageKey(alpha);
  const record = await store.get(key);
  const counted = await registry.recountUsage(alpha);
  if (record) await store.put(key, record.bytes);
  expect(adapters.used).toBeGreaterThanOrEqual(counted.adapters);
  expect(bytes.used).toBeGreaterThanOrEqual(counted.bytes);
}
