// Mirrors between stores in memory, again and again, with changes between them or at the same time. The target is
// looked at after each write; once the source rests, the next mirror makes it answer as the source does.
import fc from "fast-check";
import { expect, it } from "vitest";
import { createRegistry } from "../create-registry.ts";
import { HISTORY_SEGMENT_CHANGES, RESTORE_MS_DEFAULT } from "../limits.ts";
import { MemoryStore } from "../object-store/memory.ts";
import type { ObjectStore } from "../object-store/object-store.ts";
import { parseAdapterName, type Registry } from "../registry.ts";
import { alpha, encode, publishRequest } from "../test-registry.ts";
import { mirrorStore } from "./mirror-store.ts";
import { answersOf, findingsOf, hooked, nextOf, objectsOf, told, WatchedStore } from "./test-mirror.ts";

const kinds = [
  ...["publish", "publish", "publish", "set", "set", "set", "rollback", "protect", "setOften"],
  ...["deleteVersion", "restoreVersion", "deleteAdapter", "restoreAdapter", "upload", "wait"],
] as const;
const names = [parseAdapterName("router"), parseAdapterName("spam")];

interface Command {
  readonly kind: (typeof kinds)[number];
  readonly name: (typeof names)[number];
  readonly alias: "production" | "canary";
  readonly version: number;
  readonly text: string;
}

const commandsOf = (maxLength: number) =>
  fc.array(
    fc.record<Command>({
      kind: fc.constantFrom(...kinds),
      name: fc.constantFrom(...names),
      alias: fc.constantFrom("production", "canary"),
      version: fc.integer({ min: 1, max: 4 }),
      text: fc.constantFrom("a", "b", "c"),
    }),
    { maxLength },
  );

function createClock() {
  const clock = { nowMs: Date.UTC(2026, 0, 1) };
  return { clock, now: () => new Date(clock.nowMs), nowMs: () => clock.nowMs };
}

async function run(registry: Registry, command: Command, clock: { nowMs: number }): Promise<void> {
  const { kind, name, alias, version, text } = command;
  // Whether it may be done is no matter here.
  await told(call());

  async function call(): Promise<unknown> {
    switch (kind) {
      case "publish":
        return registry.publish(alpha, publishRequest(text, { name, alias }));
      case "set":
        return registry.setAlias(alpha, name, { alias, version, force: true, why: text });
      case "setOften":
        for (let change = 0; change < HISTORY_SEGMENT_CHANGES; change += 1) {
          const to = { alias: "canary", version: 1 + (change % 2), force: true, why: text };
          await registry.setAlias(alpha, name, to);
        }
        return undefined;
      case "rollback":
        return registry.rollback(alpha, name, { alias, force: true, why: text });
      case "protect":
        return registry.protectAlias(alpha, name, { alias, protected: version > 2 });
      case "deleteVersion":
        return registry.deleteVersion(alpha, name, { version });
      case "restoreVersion":
        return registry.restoreVersion(alpha, name, { version });
      case "deleteAdapter":
        return registry.deleteAdapter(alpha, name, { force: true, why: text });
      case "restoreAdapter":
        return registry.restoreAdapter(alpha, name);
      case "upload":
        return registry.putDataset(alpha, {
          ...{ bytes: encode(text), rows: 1, labels: ["b"], fileName: "a.csv", mediaType: "text/csv" },
          columns: { text: "text", label: "label" },
        });
      case "wait":
        clock.nowMs += 0.6 * RESTORE_MS_DEFAULT;
        return undefined;
    }
  }
}

it("after each mirror the target is a whole store that answers as the source does", async () => {
  let states = 0;
  const rounds = fc.array(commandsOf(8), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(rounds, async (plan) => {
      const { clock, now, nowMs } = createClock();
      const [source, target] = [new MemoryStore(nowMs), new MemoryStore(nowMs)];
      const watched = new WatchedStore(target);
      const registry = createRegistry({ store: source, now });
      for (const commands of plan) {
        for (const command of commands) await run(registry, command, clock);
        const problems: unknown[] = [];
        const options = { datasets: true, onProblem: (problem: unknown) => problems.push(problem) };
        await mirrorStore({ source, target: watched }, options);
        expect(problems).toEqual([]);
        const ours = await answersOf({ store: source, names }, now);
        expect(await answersOf({ store: target, names }, now)).toEqual(ours);
        expect(await findingsOf(target)).toEqual([]);
        const before = await objectsOf(target);
        const again = await mirrorStore({ source, target: watched }, options);
        expect(again).toMatchObject({ adapters: { changed: 0 }, versions: 0, blobs: 0, datasets: 0 });
        expect(await objectsOf(target)).toEqual(before);
      }
      states += watched.states;
      const theirs = createRegistry({ store: target, now });
      for (const name of names) expect(await nextOf(theirs, name)).toEqual(await nextOf(registry, name));
    }),
    { numRuns: 60 },
  );
  expect(states).toBeGreaterThan(30);
});

it("while the source changes the target is whole at every moment, and the next mirror catches up", async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), commandsOf(6), commandsOf(6), async (scheduler, first, meanwhile) => {
      const { clock, now, nowMs } = createClock();
      const [source, target] = [new MemoryStore(nowMs), new MemoryStore(nowMs)];
      const registry = createRegistry({ store: source, now });
      for (const command of first) await run(registry, command, clock);
      const watched = new WatchedStore(target);
      const problems: unknown[] = [];
      const mirror = (from: ObjectStore, to: ObjectStore) =>
        mirrorStore({ source: from, target: to }, { onProblem: (problem) => problems.push(problem) });
      const change = async () => {
        const other = createRegistry({ store: interleave(source, scheduler), now });
        for (const command of meanwhile) await run(other, command, clock);
      };
      // Two mirrors at once, too: neither may take the other's work for a change at the target.
      const both = [1, 2].map(() =>
        mirror(interleave(source, scheduler), new WatchedStore(interleave(target, scheduler))),
      );
      const running = Promise.all([change(), ...both]);
      await scheduler.waitFor(running);
      await running;
      await mirror(source, watched);
      expect(problems).toEqual([]);
      const ours = await answersOf({ store: source, names }, now);
      expect(await answersOf({ store: target, names }, now)).toEqual(ours);
    }),
    { numRuns: 60 },
  );
});

/** Each call waits until the scheduler lets it through, so calls take effect in any order. */
function interleave(store: ObjectStore, scheduler: fc.Scheduler): ObjectStore {
  return hooked(store, (call) => scheduler.schedule(Promise.resolve(), call));
}
