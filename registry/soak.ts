// For tests: actors that publish, move aliases, roll back, delete, restore and, where time passes, collect garbage at
// once, on a store that fails; and what must hold afterwards, whatever failed. What an actor was told is compared
// with what is there.
import { expect } from "vitest";
import { isGone, stateSchema } from "./adapter-state.ts";
import { createRegistry } from "./create-registry.ts";
import { checkCollected } from "./gc/check-collected.ts";
import { checkAudit, compareWithModel, HistoryModel, readHistory } from "./history-model.ts";
import { stateKey } from "./layout.ts";
import { listAll } from "./list-all.ts";
import { MemoryStore } from "./object-store/memory.ts";
import type { ObjectStore } from "./object-store/object-store.ts";
import { readRecord } from "./records.ts";
import type { Registry, ResolvedAdapter } from "./registry.ts";
import { alpha, decode, publishRequest, router } from "./test-registry.ts";

/** As of test/helpers/random.ts. */
export interface Random {
  uniform(): number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const kinds = [
  ...["publish", "publish", "publish", "set", "set", "rollback", "rollback", "resolve"],
  ...["deleteVersion", "deleteVersion", "restoreVersion", "deleteAdapter", "restoreAdapter"],
] as const;
const timedKinds = [
  ...kinds,
  ...(["publish", "collect", "collect", "collect", "collect", "retain", "wait", "wait"] as const),
] as const;
type Kind = (typeof timedKinds)[number];

/** Of a call that may or may not have taken effect. */
const UNKNOWN = "store_unreachable";
const allowedCodes: ReadonlySet<string> = new Set([
  ...["adapter_not_found", "version_not_found", "alias_not_found", "no_earlier_version", "version_in_use"],
  ...["adapter_deleted", "conflict", UNKNOWN],
]);
const PUBLISH_ATTEMPTS_MAX = 6;
/** What was deleted can be restored for so long, where time passes. */
const RESTORE_MS = 60 * HOUR_MS;
/** Within what a publish may take without looking again, and past each time that a collection waits for. */
const WAITS_MS = [MINUTE_MS, 10 * MINUTE_MS, 20 * MINUTE_MS, HOUR_MS, 2 * HOUR_MS, 2 * HOUR_MS, 61 * HOUR_MS];

interface Answer {
  readonly kind: Kind;
  /** The reason given, which its entry in the history has too; of a publish, its idempotency key. */
  readonly name: string;
  readonly value?: unknown;
  /** Absent where the call was acknowledged. */
  readonly code?: string;
}

export interface SoakRun {
  /** Without faults: to prepare and to look at the end. */
  readonly store: ObjectStore;
  /** As each actor sees it: each has a process of its own. */
  readonly stores: readonly ObjectStore[];
  /** Resolves once nothing is on its way to the store any more. */
  readonly settle: () => Promise<void>;
  readonly commandsPerActor: number;
  readonly random: Random;
  /** So many changes are in the history before. */
  readonly changesBefore: number;
  /** Fixed, where a run must be the same each time. */
  readonly now?: () => Date;
  /** Of the store and all actors; it moves when an actor waits. Where it is there, garbage is collected. */
  readonly clock?: { nowMs: number };
}

export async function soak(run: SoakRun): Promise<void> {
  const { store, stores, random, commandsPerActor, clock } = run;
  const now = clock ? () => new Date(clock.nowMs) : run.now;
  await copyAll(await preparedStore(run.changesBefore), store);
  const createOn = (on: ObjectStore) =>
    createRegistry({
      store: on,
      randomBytes: (count) => randomBytes(random, count),
      ...(now && { now }),
      ...(clock && { restoreMs: RESTORE_MS }),
    });
  const actors = stores.map((on, actor) => {
    const commands = Array.from({ length: commandsPerActor }, (_, index) =>
      drawCommand(run, `${actor}-${index}`),
    );
    return act(createOn(on), { clock, commands });
  });
  const answers = (await Promise.all(actors)).flat();
  await run.settle();
  await check(answers, { reader: createOn(store), changesBefore: run.changesBefore, store, clock });
  if (clock) await checkCollected(store, { registry: createOn(store), clock });
}

interface Command {
  readonly kind: Kind;
  readonly name: string;
  readonly alias: string;
  readonly version: number;
  readonly waitMs: number;
}

function drawCommand({ random, clock }: SoakRun, id: string): Command {
  const pick = <Item>(items: readonly Item[]) => items[Math.floor(random.uniform() * items.length)] as Item;
  const kind = pick<Kind>(clock ? timedKinds : kinds);
  // Some keys are those of several actors, as when one job runs twice.
  const name = kind === "publish" && random.uniform() < 0.4 ? `shared-${pick([1, 2])}` : `own-${id}`;
  const alias = pick(["production", "production", "canary"]);
  const version = pick([1, 2, 3, 4]);
  return { kind, name, alias, version, waitMs: clock ? pick(WAITS_MS) : 0 };
}

async function act(
  registry: Registry,
  { clock, commands }: { clock: SoakRun["clock"]; commands: readonly Command[] },
): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const command of commands) {
    if (clock && command.kind === "wait") clock.nowMs += command.waitMs;
    else if (!clock || command.kind !== "collect") answers.push(await answerOf(registry, { clock, command }));
    else {
      for (let collections = command.version; collections > 0; collections -= 1) {
        clock.nowMs += command.waitMs;
        answers.push(await answerOf(registry, { clock, command }));
      }
    }
  }
  return answers;
}

async function answerOf(
  registry: Registry,
  { clock, command }: { clock: SoakRun["clock"]; command: Command },
): Promise<Answer> {
  const { kind, name } = command;
  const attempts = kind === "publish" ? PUBLISH_ATTEMPTS_MAX : 1;
  let code: string | undefined;
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    try {
      return { kind, name, value: await call(registry, command, `${name} by attempt ${attempt}`) };
    } catch (error) {
      code = error instanceof Error && "code" in error ? String(error.code) : String(error);
      // A rollback that stands still for days finds gone what it has begun to verify.
      const isLate = clock !== undefined && command.kind === "rollback" && code === "version_damaged";
      if (!allowedCodes.has(code) && !isLate) throw error;
      if (code !== UNKNOWN) break;
    }
  }
  return { kind, name, ...(code !== undefined && { code }) };
}

function call(registry: Registry, { kind, name, alias, version }: Command, text: string): Promise<unknown> {
  switch (kind) {
    case "publish":
      return registry.publish(alpha, publishRequest(text, { alias, idempotencyKey: name }));
    case "set":
      return registry.setAlias(alpha, router, { alias, version, why: name });
    case "rollback":
      return registry.rollback(alpha, router, { alias, why: name });
    case "deleteVersion":
      return registry.deleteVersion(alpha, router, { version, why: name });
    case "restoreVersion":
      return registry.restoreVersion(alpha, router, { version, why: name });
    case "deleteAdapter":
      return registry.deleteAdapter(alpha, router, { why: name });
    case "restoreAdapter":
      return registry.restoreAdapter(alpha, router, { why: name });
    case "collect":
      return registry.collectGarbage(alpha, { graceMs: HOUR_MS });
    case "retain":
      return registry.setRetention(alpha, router, { retention: { keepVersions: version }, why: name });
    default:
      return registry.resolve(alpha, { name: router, alias });
  }
}

interface Looked {
  readonly reader: Registry;
  readonly changesBefore: number;
  readonly store: ObjectStore;
  readonly clock: SoakRun["clock"];
}

async function check(answers: readonly Answer[], looked: Looked): Promise<void> {
  const { reader, changesBefore, clock } = looked;
  // To be read at all, the adapter must be there; where it cannot be restored any more, its name is used again.
  await reader.restoreAdapter(alpha, router, { why: "at the end" }).catch(() => undefined);
  if (clock) await reader.publish(alpha, publishRequest("at the end"));
  const history = await readHistory(reader);
  const model = new HistoryModel(clock ? RESTORE_MS : undefined);
  for (const change of history) model.apply(change);
  await compareWithModel(reader, model);
  await checkAudit(reader, history.slice(changesBefore));
  for (const answer of answers) checkEntries(answer, history.filter(({ why }) => why === answer.name).length);
  for (const version of model.deletedVersions) await restore(looked, version);
  await checkVersions(answers, looked);
}

/** What cannot be restored any more is gone. */
async function restore({ reader, clock }: Looked, version: number): Promise<void> {
  const restoring = reader.restoreVersion(alpha, router, { version });
  if (!clock) return restoring;
  await restoring.catch((error: { code?: string }) => expect(error.code).toBe("version_not_found"));
}

/** In the history once where acknowledged, at most once where nobody knows, and never where refused. */
function checkEntries({ kind, name, code, value }: Answer, entries: number): void {
  if (kind === "publish" || kind === "resolve" || kind === "collect") return;
  const isNothingToDo = ["restoreVersion", "restoreAdapter", "retain"].includes(kind) || isNoMove(value);
  const [least, most] = code === undefined ? [isNothingToDo ? 0 : 1, 1] : [0, code === UNKNOWN ? 1 : 0];
  expect(entries, `entries of ${kind} ${name} (${code ?? "acknowledged"})`).toBeGreaterThanOrEqual(least);
  expect(entries, `entries of ${kind} ${name} (${code ?? "acknowledged"})`).toBeLessThanOrEqual(most);
}

function isNoMove(value: unknown): boolean {
  const { from, version } = (value ?? {}) as { from?: number; version?: number };
  return from !== undefined && from === version;
}

/** All that was acknowledged or seen is there, whole, and the same, or deleted; each key has published once at most. */
async function checkVersions(answers: readonly Answer[], { reader, store, clock }: Looked): Promise<void> {
  const { versions } = await reader.listVersions(alpha, router, { limit: 200 });
  const state = (await readRecord(store, stateKey({ tenant: alpha, name: router }), stateSchema))?.value;
  const isDeleted = (version: number) => clock !== undefined && state !== undefined && isGone(state, version);
  const told = answers.filter(isOfVersion).map(({ value }) => (value as ResolvedAdapter).version);
  const digests = new Map(versions.map(({ version, digest }) => [version, digest]));
  const versionByKey = new Map<string, number>();
  for (const { version } of versions) {
    const { manifest } = await reader.resolve(alpha, { name: router, version });
    const files = await reader.readFiles(alpha, manifest).catch((error: unknown) => {
      // Of a publish that stood still for hours, between its last look and its manifest: nobody was told of it.
      if (clock && !told.includes(version)) return undefined;
      throw error;
    });
    if (!files) continue;
    const { config, weights } = files;
    expect(decode(weights)).toBe(decode(config).replace("config", "weights"));
    const key = decode(config).replace(/^config of | by attempt \d+$/g, "");
    expect(versionByKey.get(key), `versions of ${key}`).toBeUndefined();
    versionByKey.set(key, version);
  }
  for (const { kind, name, value } of answers.filter(isOfVersion)) {
    const { version, digest } = value as ResolvedAdapter;
    expect(digests.get(version), `digest of version ${version}`).toBe(
      isDeleted(version) ? undefined : digest,
    );
    if (isDeleted(version)) continue;
    if (kind === "publish") expect(versionByKey.get(name)).toBe(version);
  }
}

/** A version that was published, or resolved. */
function isOfVersion({ kind, code }: Answer): boolean {
  return code === undefined && (kind === "publish" || kind === "resolve");
}

const prepared = new Map<number, Promise<ObjectStore>>();

/** Two versions, and so many changes that some of those that follow may begin a segment of the history. */
function preparedStore(changes: number): Promise<ObjectStore> {
  const known = prepared.get(changes) ?? prepare(changes);
  prepared.set(changes, known);
  return known;
}

async function prepare(changes: number): Promise<ObjectStore> {
  const store = new MemoryStore();
  // Before all runs: a retention may delete what it publishes.
  const registry = createRegistry({ store, now: () => new Date(Date.UTC(2025, 11, 31)) });
  for (let made = 0; made < changes; made += 1) {
    if (made < 2) await registry.publish(alpha, publishRequest(`prepared ${made}`));
    else await registry.setAlias(alpha, router, { alias: "canary", version: 1 + (made % 2) });
  }
  return store;
}

/** All but the audit, which is many objects and is of no concern to what follows. */
async function copyAll(from: ObjectStore, to: ObjectStore): Promise<void> {
  const { keys } = await listAll(from, { prefix: "" });
  const copied = keys.filter((key) => !key.includes("/audit/"));
  await Promise.all(copied.map(async (key) => to.put(key, (await from.get(key))?.bytes ?? new Uint8Array())));
}

function randomBytes({ uniform }: Random, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, () => Math.floor(uniform() * 256));
}
