import { expect, it } from "vitest";
import { checkStore } from "../fsck/check-store.ts";
import { stateKey } from "../layout.ts";
import { GARBAGE_AGE_MS_DEFAULT, RESTORE_MS_DEFAULT } from "../limits.ts";
import { listAll } from "../list-all.ts";
import type { ObjectStore } from "../object-store/object-store.ts";
import { parseAdapterName } from "../registry.ts";
import {
  alpha,
  decode,
  publishRequest,
  router,
  type TestRegistry,
  type WriteFault,
} from "../test-registry.ts";
import { collectLater, createScene, owner } from "./test-scene.ts";

/** With something to do for each step of a collection. */
async function prepare(): Promise<TestRegistry> {
  const test = await createScene();
  const { registry, clock } = test;
  await registry.publish(alpha, publishRequest("four"));
  await registry.setRetention(alpha, router, { retention: { keepVersions: 1 } });
  await registry.deleteVersion(alpha, router, { version: 1 });
  await registry.publish(alpha, publishRequest("x", { name: parseAdapterName("other") }));
  await registry.deleteAdapter(alpha, parseAdapterName("other"));
  clock.nowMs += RESTORE_MS_DEFAULT;
  return test;
}

/** Without what differs by chance, and without times. */
async function shapeOf(store: ObjectStore) {
  const { keys } = await listAll(store, { prefix: "" });
  const state = JSON.parse(decode((await store.get(stateKey(owner)))?.bytes));
  const { log: _, deletedVersions, ...rest } = state;
  const deleted = deletedVersions.map(({ version }: { version: number }) => version);
  const names = keys.map((key) => key.replace(/(audit\/\d{13})?[-_][0-9a-f]{32}/, ""));
  const others = JSON.stringify(rest).replaceAll(/sha256:[0-9a-f]{64}/g, "a digest");
  return { keys: names.sort(), state: JSON.parse(others), deleted };
}

/** Whether it was not killed. */
async function collectUntil(test: TestRegistry, write: number, fault: WriteFault): Promise<boolean> {
  test.clock.nowMs += GARBAGE_AGE_MS_DEFAULT;
  test.store.revive();
  test.store.diesOfFault = true;
  test.store.faults.set(write, fault);
  const collecting = test.reopen().collectGarbage(alpha);
  const hasSurvived = await collecting.then(
    () => true,
    () => false,
  );
  test.store.revive();
  return hasSurvived;
}

it.each<WriteFault>(["before", "after"])(
  "a collection that is killed %s any of its writes is taken up by the next one, to the same end",
  async (fault) => {
    const undisturbed = await prepare();
    await collectLater(undisturbed, 4);
    const whole = await shapeOf(undisturbed.store);
    expect(whole.deleted).toEqual([2]);
    for (const collections of [0, 1, 2, 3]) {
      for (let write = 0; ; write += 1) {
        const test = await prepare();
        if (collections > 0) await collectLater(test, collections);
        const hasSurvived = await collectUntil(test, write, fault);
        await collectLater({ ...test, registry: test.reopen() }, 4);
        const findings: string[] = [];
        await checkStore(test.store, { repair: true });
        await checkStore(test.store, { onFinding: ({ code, key }) => findings.push(`${code} ${key}`) });
        expect(findings).toEqual([]);
        expect(await shapeOf(test.store)).toEqual(whole);
        if (hasSurvived) break;
      }
    }
  },
);
