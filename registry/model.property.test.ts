// The registry against a model that is nothing but maps: publish, set, roll back, protect, delete, restore, retain
// and collect, by three processes at once, every call to the store interleaved by fast-check, some replies
// lost. What took effect, and in which order, is what the history says; the model makes the same changes
// one after another, and each must be one that it allows, answered as it was answered.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { AdapterChange } from "./change.ts";
import { createRegistry } from "./create-registry.ts";
import { checkAudit, compareWithModel, HistoryModel, readHistory } from "./history-model.ts";
import { HISTORY_SEGMENT_CHANGES } from "./limits.ts";
import { FileStore } from "./object-store/file.ts";
import { MemoryStore } from "./object-store/memory.ts";
import type { ObjectStore, PutResult } from "./object-store/object-store.ts";
import type { Registry } from "./registry.ts";
import { alpha, publishRequest, router } from "./test-registry.ts";

const kinds = [
  ...["publish", "set", "set", "set", "rollback", "rollback", "rollback", "protect", "unprotect"],
  ...["deleteVersion", "deleteVersion", "restoreVersion", "deleteAdapter", "restoreAdapter", "resolve"],
  ...["retain", "collect"],
] as const;

interface Command {
  readonly kind: (typeof kinds)[number];
  readonly process: number;
  readonly alias: "production" | "canary";
  readonly version: number;
  readonly force: boolean;
}

/** What a call was answered, by the reason it gave, which its entry in the history has too. */
type Answer = { readonly command: Command; readonly why: string } & (
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: string }
);

const commands = fc.array(
  fc.record<Command>({
    kind: fc.constantFrom(...kinds),
    process: fc.integer({ min: 0, max: 2 }),
    alias: fc.constantFrom("production", "canary"),
    version: fc.integer({ min: 1, max: 5 }),
    force: fc.boolean(),
  }),
  { minLength: 1, maxLength: 24 },
);
/** Of the writes with these numbers the reply is lost. */
const lostReplies = fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 8 });

/** The errors that a call may have at all; any other is a fault. */
const allowedCodes = new Set([
  ...["adapter_not_found", "version_not_found", "alias_not_found", "no_earlier_version", "version_in_use"],
  ...["alias_protected", "adapter_deleted", "conflict"],
]);

it("in memory: what happened is one order of allowed changes, each in the history once", async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), commands, lostReplies, async (scheduler, plan, lost) => {
      const store = new MemoryStore();
      await prepare(store);
      const shared = losingReplies(interleave(store, scheduler), new Set(lost));
      const running = runAll(shared, plan);
      await scheduler.waitFor(running);
      await check(await running, store);
    }),
    { numRuns: 200 },
  );
}, 60_000);

it("in a folder: the same", async () => {
  await fc.assert(
    fc.asyncProperty(commands, lostReplies, async (plan, lost) => {
      const folder = await mkdtemp(join(tmpdir(), "softgate-model-"));
      try {
        const store = new FileStore(folder);
        await prepare(store);
        await check(await runAll(losingReplies(store, new Set(lost)), plan), store);
      } finally {
        await rm(folder, { recursive: true });
      }
    }),
    { numRuns: 4 },
  );
}, 60_000);

/** Three versions, and so many changes that some of those that follow begin a segment of the history. */
async function prepare(store: ObjectStore): Promise<void> {
  // Long enough ago for a retention to delete them.
  const registry = createRegistry({ store, now: () => new Date(Date.UTC(2026, 0, 1)) });
  for (const text of ["one", "two", "three"]) await registry.publish(alpha, publishRequest(text));
  for (let change = 4; change < 2 * HISTORY_SEGMENT_CHANGES - 2; change += 1) {
    await registry.setAlias(alpha, router, { alias: "canary", version: 1 + (change % 2) });
  }
}

function runAll(store: ObjectStore, plan: readonly Command[]): Promise<Answer[]> {
  const processes = [0, 1, 2].map(() => createRegistry({ store }));
  const actors = processes.map(async (registry, process) => {
    const answers: Answer[] = [];
    // Each process does one thing after another; the processes do not wait for each other.
    for (const [index, command] of plan.entries()) {
      if (command.process === process) answers.push(await run(registry, command, `reason ${index}`));
    }
    return answers;
  });
  return Promise.all(actors).then((answers) => answers.flat());
}

async function run(registry: Registry, command: Command, why: string): Promise<Answer> {
  try {
    return { command, why, ok: true, value: await call(registry, command, why) };
  } catch (error) {
    const code = (error as { code?: string }).code ?? String(error);
    return { command, why, ok: false, code };
  }
}

function call(registry: Registry, { kind, alias, version, force }: Command, why: string): Promise<unknown> {
  switch (kind) {
    case "publish":
      return registry.publish(alpha, publishRequest(why, { alias, idempotencyKey: why, actor: { id: why } }));
    case "set":
      return registry.setAlias(alpha, router, { alias, version, force, why });
    case "rollback":
      return registry.rollback(alpha, router, { alias, force, why });
    case "protect":
    case "unprotect":
      return registry.protectAlias(alpha, router, { alias, protected: kind === "protect", why });
    case "deleteVersion":
      return registry.deleteVersion(alpha, router, { version, why });
    case "restoreVersion":
      return registry.restoreVersion(alpha, router, { version, why });
    case "deleteAdapter":
      return registry.deleteAdapter(alpha, router, { force, why });
    case "restoreAdapter":
      return registry.restoreAdapter(alpha, router, { why });
    case "retain":
      return registry.setRetention(alpha, router, { retention: { keepVersions: version }, why });
    case "collect":
      return registry.collectGarbage(alpha, { actor: { id: why } });
    case "resolve":
      return registry.resolve(alpha, { name: router, alias });
  }
}

async function check(answers: readonly Answer[], store: ObjectStore): Promise<void> {
  const faults = answers.filter((answer) => !answer.ok && !allowedCodes.has(answer.code));
  expect(faults).toEqual([]);
  const reader = createRegistry({ store });
  // To be read at all, the adapter must be there: whatever is deleted is restored at the end.
  await reader.restoreAdapter(alpha, router, { why: "at the end" }).catch(() => undefined);
  const history = await readHistory(reader);
  const model = new HistoryModel();
  for (const change of history) model.apply(change);
  checkAnswers(answers, history);
  await compareWithModel(reader, model);
  await checkAudit(reader, history);
}

/** Acknowledged: in the history once. Refused: not in it. Moves: as they were answered. */
function checkAnswers(answers: readonly Answer[], history: readonly AdapterChange[]): void {
  for (const answer of answers) {
    const { command, why } = answer;
    if (["publish", "resolve", "collect"].includes(command.kind)) continue;
    const entries = history.filter((change) => change.why === why);
    expect(entries.length).toBeLessThanOrEqual(1);
    if (!answer.ok) expect(entries).toEqual([]);
    if (!answer.ok || (command.kind !== "set" && command.kind !== "rollback")) continue;
    const moved = answer.value as { version: number; from?: number };
    // An alias that is there already need not be set; a rollback always moves.
    if (entries.length === 0) expect([command.kind, moved.version]).toEqual(["set", moved.from]);
    else expect(entries[0]).toMatchObject(moved);
  }
}

/** Each call waits until the scheduler lets it through, so calls take effect in any order. */
function interleave(store: ObjectStore, scheduler: fc.Scheduler): ObjectStore {
  const turn = (label: string) => scheduler.schedule(Promise.resolve(), label);
  return {
    description: store.description,
    get: (key) => turn(`get ${key}`).then(() => store.get(key)),
    put: (key, bytes, condition) => turn(`put ${key}`).then(() => store.put(key, bytes, condition)),
    delete: (key) => turn(`delete ${key}`).then(() => store.delete(key)),
    list: (options) => turn(`list ${options.prefix}`).then(() => store.list(options)),
    check: () => store.check(),
    close: () => store.close(),
  };
}

/** A conditional write that is made and answered, as after the client's own retry, as one that was not. */
function losingReplies(store: ObjectStore, lost: ReadonlySet<number>): ObjectStore {
  let writes = 0;
  const put: ObjectStore["put"] = async (key, bytes, condition): Promise<PutResult> => {
    const isLost = condition !== undefined && lost.has(writes);
    writes += 1;
    const result = await store.put(key, bytes, condition);
    return isLost ? { stored: false } : result;
  };
  return {
    description: store.description,
    get: (key) => store.get(key),
    put,
    delete: (key) => store.delete(key),
    list: (options) => store.list(options),
    check: () => store.check(),
    close: () => store.close(),
  };
}
