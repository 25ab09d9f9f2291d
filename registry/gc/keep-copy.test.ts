import { beforeEach, describe, expect, it } from "vitest";
import { blobKeyOf, blobsPrefix, markKeyOf } from "../layout.ts";
import { RESTORE_MS_DEFAULT } from "../limits.ts";
import { listAll } from "../list-all.ts";
import type { Registry } from "../registry.ts";
import { alpha, decode, publishRequest, router, type TestRegistry } from "../test-registry.ts";
import { blobsOf, collectLater, createScene } from "./test-scene.ts";

let test: TestRegistry;
let registry: Registry;

beforeEach(async () => {
  test = await createScene();
  registry = test.registry;
});

describe("a publish", () => {
  const calls = async (work: Promise<unknown>) => {
    test.store.calls.length = 0;
    await work;
    return test.store.calls.filter((call) => call.includes("/blobs/")).map((call) => call.split(" ")[0]);
  };

  it("asks for its blobs as often as without garbage: a look at each, and a write of what is not there", async () => {
    expect(await calls(registry.publish(alpha, publishRequest("new")))).toEqual([
      "list",
      "list",
      "put",
      "put",
    ]);
    expect(await calls(registry.publish(alpha, publishRequest("new")))).toEqual(["list", "list"]);
  });

  it("takes up content that waits to be removed, which counts again, and keeps it", async () => {
    await registry.deleteVersion(alpha, router, { version: 1 });
    test.clock.nowMs += RESTORE_MS_DEFAULT;
    await collectLater(test, 2);
    const before = await blobsOf(test.store);
    await registry.recountUsage(alpha);
    const asked = await calls(registry.publish(alpha, publishRequest("one")));
    expect(asked).toEqual(["list", "get", "put", "list", "list", "get", "put", "list"]);
    expect(await blobsOf(test.store)).toEqual(before);
    const { bytes } = await registry.getUsage(alpha);
    expect(await registry.recountUsage(alpha)).toMatchObject({ bytes: bytes.used });
    await collectLater(test, 4);
    expect(await blobsOf(test.store)).toEqual(before);
  });

  it("sends content anew, under another key, that is being removed", async () => {
    await registry.deleteVersion(alpha, router, { version: 1 });
    test.clock.nowMs += RESTORE_MS_DEFAULT;
    await collectLater(test, 3);
    const { manifest } = await registry.publish(alpha, publishRequest("one"));
    const marks = (await listAll(test.store, { prefix: blobsPrefix(alpha) })).keys.filter(
      (key) => blobKeyOf(key) !== key,
    );
    expect(marks).toHaveLength(2);
    for (const key of await blobsOf(test.store)) expect(marks).not.toContain(markKeyOf(key));
    await collectLater(test, 4);
    expect(decode((await test.reopen().readFiles(alpha, manifest)).config)).toBe("config of one");
  });

  it("that is repeated under its key looks whether its files were kept, whoever wrote them", async () => {
    const request = publishRequest("four", { idempotencyKey: "job-4" });
    await registry.publish(alpha, request);
    const asked = await calls(test.reopen().publish(alpha, request));
    expect(asked.sort()).toEqual(["get", "get", "list", "list"]);
  });
});
