// The registry against a model that is nothing but maps: publish, set, roll back, protect, delete, restore, retain
// and collect, by three processes at once, every call to the store interleaved by fast-check, some replies
// lost. What took effect, and in which order, is what the history says; the model makes the same changes
// one after another, and each must be one that it allows, answered as it was answered.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { expect, it, onTestFinished } from "vitest";
import type { AdapterChange } from "./change.ts";
import { createRegistry } from "./create-registry.ts";
import { checkStore } from "./fsck/check-store.ts";
import { checkAudit, compareWithModel, HistoryModel, readHistory } from "./history-model.ts";
import { HISTORY_SEGMENT_CHANGES } from "./limits.ts";
import { type Answer, act, type Command, commandKinds } from "./model-actor.ts";
import type { ModelProcess } from "./model-process.ts";
import { FileStore } from "./object-store/file.ts";
import { MemoryStore } from "./object-store/memory.ts";
import type { ObjectStore, PutResult } from "./object-store/object-store.ts";
import type { ResolvedAdapter } from "./registry.ts";
import { alpha, decode, publishRequest, router } from "./test-registry.ts";

const PROCESSES = 3;
/** Of processes of their own, together. */
const COMMANDS = 120;

const parts = {
  process: fc.integer({ min: 0, max: PROCESSES - 1 }),
  alias: fc.constantFrom("production" as const, "canary" as const),
  version: fc.integer({ min: 1, max: 5 }),
  force: fc.boolean(),
};
const command = fc.record<Command>({ ...parts, kind: fc.constantFrom(...commandKinds) });
const commands = fc.array(command, { minLength: 1, maxLength: 24 });
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

it("in a folder, by processes that run at once: the same, no version has two contents, and a check finds nothing", async () => {
  const folder = await mkdtemp(join(tmpdir(), "softgate-processes-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const store = new FileStore(folder);
  await prepare(store);
  // As many publishes as all other commands: for numbers, too, there must be a race.
  const mixed = fc.oneof(command, fc.record({ ...parts, kind: fc.constant("publish" as const) }));
  const plans = fc.array(mixed, { minLength: COMMANDS, maxLength: COMMANDS });
  const [plan = []] = fc.sample(plans, { seed: 1, numRuns: 1 });
  const answers = await runProcesses(`file:${folder}`, plan);
  expect(answers).toHaveLength(COMMANDS);
  await check(answers, store);
  await checkContents(answers, store);
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
  const processes = Array.from({ length: PROCESSES }, () => createRegistry({ store }));
  // Each process does one thing after another; the processes do not wait for each other.
  const actors = processes.map((registry, process) => act(registry, plan, process));
  return Promise.all(actors).then((answers) => answers.flat());
}

/** Each in a process of the operating system; all begin once all are ready. */
async function runProcesses(store: string, plan: readonly Command[]): Promise<Answer[]> {
  const script = fileURLToPath(new URL("model-process.ts", import.meta.url));
  const children = Array.from({ length: PROCESSES }, (_, actor) => {
    const task = JSON.stringify({ store, plan, actor } satisfies ModelProcess);
    const args = ["--disable-warning=ExperimentalWarning", script, task];
    const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    return { stdin: child.stdin, lines: createInterface(child.stdout)[Symbol.asyncIterator]() };
  });
  for (const { lines } of children) expect(await lines.next()).toMatchObject({ value: "ready" });
  for (const { stdin } of children) stdin.end();
  const answers = children.map(async ({ lines }) => JSON.parse((await lines.next()).value ?? "") as Answer[]);
  return (await Promise.all(answers)).flat();
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

/** Whoever published or resolved a version got the one content that it has; and the store is whole. */
async function checkContents(answers: readonly Answer[], store: ObjectStore): Promise<void> {
  const reader = createRegistry({ store });
  const publishers = new Map<number, string>();
  for (const { command, why, ...answer } of answers) {
    if (!answer.ok || (command.kind !== "publish" && command.kind !== "resolve")) continue;
    const { version, digest } = answer.value as ResolvedAdapter;
    await reader.restoreVersion(alpha, router, { version });
    const resolved = await reader.resolve(alpha, { name: router, version });
    expect(resolved.digest, `digest of version ${version}`).toBe(digest);
    if (command.kind === "resolve") continue;
    expect(publishers.get(version), `publishers of version ${version}`).toBeUndefined();
    publishers.set(version, why);
    expect(decode((await reader.readFiles(alpha, resolved.manifest)).config)).toBe(`config of ${why}`);
  }
  const findings: string[] = [];
  await checkStore(store, { graceMs: 0, onFinding: ({ code, key }) => findings.push(`${code} ${key}`) });
  expect(findings).toEqual([]);
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
    getPart: (key, part) => turn(`get ${key}`).then(() => store.getPart(key, part)),
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
    getPart: (key, part) => store.getPart(key, part),
    put,
    delete: (key) => store.delete(key),
    list: (options) => store.list(options),
    check: () => store.check(),
    close: () => store.close(),
  };
}
