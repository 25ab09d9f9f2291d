import { beforeEach, describe, expect, it } from "vitest";
import {
  blobKey,
  claimKey,
  evaluationKey,
  historySegmentKey,
  keysPrefix,
  layoutKey,
  manifestKey,
  markKeyOf,
  stateKey,
  usageKey,
} from "../layout.ts";
import { HISTORY_SEGMENT_CHANGES, RESTORE_MS_DEFAULT } from "../limits.ts";
import { listAll } from "../list-all.ts";
import { parseAdapterName } from "../registry.ts";
import { createSigningKey } from "../signing/signing-key.ts";
import {
  alpha,
  beta,
  createTestRegistry,
  decode,
  dump,
  encode,
  publishRequest,
  router,
  type TestRegistry,
} from "../test-registry.ts";
import { type MirrorOptions, type MirrorProblem, mirrorStore } from "./mirror-store.ts";
import { answersOf, findingsOf, hooked, nextOf, objectsOf } from "./test-mirror.ts";

const spam = parseAdapterName("spam");
const owner = { tenant: alpha, name: router };
const CSV = {
  ...{ bytes: encode("text,label\na,b\n"), rows: 1, labels: ["b"], fileName: "a.csv" },
  ...{ mediaType: "text/csv" as const, columns: { text: "text", label: "label" } },
};
let source: TestRegistry;
let target: TestRegistry;

beforeEach(async () => {
  [source, target] = [createTestRegistry(), createTestRegistry()];
  for (const text of ["one", "two"]) await source.registry.publish(alpha, publishRequest(text));
  await source.registry.publish(alpha, publishRequest("three", { name: spam }));
});

async function mirror(
  options: MirrorOptions = {},
  stores: Parameters<typeof mirrorStore>[0] = { source: source.store, target: target.store },
) {
  const problems: MirrorProblem[] = [];
  const total = await mirrorStore(stores, { onProblem: (problem) => problems.push(problem), ...options });
  return { total, problems, codes: problems.map(({ code, adapter }) => `${code} ${adapter}`) };
}

function answers({ store, clock }: TestRegistry): Promise<unknown> {
  return answersOf({ store, names: [router, spam] }, () => new Date(clock.nowMs));
}

async function moveMuch(registry: TestRegistry["registry"], changes: number): Promise<void> {
  for (let change = 0; change < changes; change += 1) {
    await registry.setAlias(alpha, router, { alias: "canary", version: 1 + (change % 2) });
  }
}

/** Version 3: the process dies with the first write after its manifest. */
async function publishWithoutMove(): Promise<void> {
  source.store.revive();
  source.store.diesOfFault = true;
  source.store.faults.set(6, "before");
  await source.registry.publish(alpha, publishRequest("late")).catch(() => undefined);
  source.store.revive();
}

describe("a mirror", () => {
  it("answers as the source does, with all of its history, and is a whole store", async () => {
    await moveMuch(source.registry, 3 * HISTORY_SEGMENT_CHANGES);
    await source.registry.publish(beta, publishRequest("of another tenant"));
    const { total, problems } = await mirror();
    expect(problems).toEqual([]);
    expect(total).toMatchObject({
      adapters: { changed: 3, unchanged: 0, diverged: 0 },
      versions: 4,
      blobs: 8,
    });
    expect(await answers(target)).toEqual(await answers(source));
    expect(await findingsOf(target.store)).toEqual([]);
    expect(await nextOf(target.registry, router)).toEqual(await nextOf(source.registry, router));
    expect((await target.registry.publish(alpha, publishRequest("next"))).version).toBe(3);
  });

  it("of what is unchanged costs four calls for each adapter, however many versions and changes it has", async () => {
    for (let version = 3; version < 30; version += 1) {
      await source.registry.publish(alpha, publishRequest(`version ${version}`));
    }
    await moveMuch(source.registry, 3 * HISTORY_SEGMENT_CHANGES);
    await mirror();
    const before = await dump(target.store);
    const callsAt = (store: TestRegistry["store"], name: string) =>
      store.calls.filter((call) => call.includes(`/adapters/${name}/`)).length;
    for (const { store } of [source, target]) store.revive();
    const { total } = await mirror();
    expect(total).toMatchObject({ adapters: { changed: 0, unchanged: 2 }, versions: 0, blobs: 0, bytes: 0 });
    for (const name of [router, spam]) {
      expect(callsAt(source.store, name) + callsAt(target.store, name)).toBe(4);
    }
    // Of the whole run: the layout, the tenants, the adapters, the audit, the usage.
    expect(source.store.calls.length + target.store.calls.length).toBeLessThanOrEqual(2 * 4 + 8);
    expect(await dump(target.store)).toEqual(before);
  });

  it("sends what is new alone, and content that is there already not again", async () => {
    await mirror();
    // The configuration of one, the weights of another.
    const { files } = publishRequest("one");
    await source.registry.publish(alpha, {
      ...publishRequest("two"),
      files: { config: files.config, weights: encode("weights of four") },
    });
    target.store.revive();
    const { total } = await mirror();
    expect(total).toMatchObject({ adapters: { changed: 1, unchanged: 1 }, versions: 1, blobs: 1 });
    expect(target.store.calls.filter((call) => /^put .*\/blobs\//.test(call))).toHaveLength(1);
    expect(await answers(target)).toEqual(await answers(source));
  });

  it("sends one content once, however many versions it is of", async () => {
    for (let version = 0; version < 20; version += 1) {
      const weights = encode(`weights ${version}`);
      await source.registry.publish(alpha, {
        ...publishRequest("x"),
        files: { config: encode("same"), weights },
      });
    }
    const { total } = await mirror();
    expect(total.blobs).toBe(6 + 21);
    const puts = target.store.calls.filter((call) => /^put .*\/blobs\//.test(call));
    expect(puts).toHaveLength(total.blobs);
  });

  it("writes nothing in a dry run, and tells what it would send", async () => {
    await source.registry.putDataset(alpha, CSV);
    const before = await dump(target.store);
    const dry = await mirror({ dryRun: true, datasets: true });
    expect(await dump(target.store)).toEqual(before);
    expect(dry.total).toEqual((await mirror({ datasets: true })).total);
  });

  it("takes a version that was published late, without a change of the state", async () => {
    await mirror();
    await publishWithoutMove();
    expect((await listAll(source.store, { prefix: manifestKey(owner, 3) })).keys).toHaveLength(1);
    expect((await mirror()).total).toMatchObject({ adapters: { changed: 1 }, versions: 1 });
    expect(await answers(target)).toEqual(await answers(source));
  });

  it("takes figures on test sets along, with their versions", async () => {
    const { id: datasetId } = await source.registry.putDataset(alpha, CSV);
    const figures = {
      datasetId,
      rows: 1,
      accuracy: 1,
      macroF1: 1,
      precision: "int8",
      softgate: "0.0.0",
    } as const;
    for (const version of [1, 2]) {
      await source.registry.recordEvaluation(alpha, router, { version, ...figures });
      expect((await mirror()).total).toMatchObject({ adapters: { changed: version === 1 ? 2 : 1 } });
      const key = evaluationKey(owner, version, datasetId);
      expect(await target.store.get(key)).toEqual(await source.store.get(key));
    }
    expect((await mirror()).total.adapters).toMatchObject({ changed: 0 });
    expect(await answers(target)).toEqual(await answers(source));
    expect(await findingsOf(target.store)).toEqual([]);
  });

  it("goes on with the numbers where the source does, after a publish there that died", async () => {
    source.store.revive();
    source.store.diesOfFault = true;
    source.store.faults.set(3, "after");
    await source.registry.publish(alpha, publishRequest("died")).catch(() => undefined);
    source.store.revive();
    expect(await source.store.get(claimKey(owner, 3))).toBeDefined();
    expect((await mirror()).problems).toEqual([]);
    const next = ({ registry }: TestRegistry) => registry.publish(alpha, publishRequest("next"));
    expect([(await next(source)).version, (await next(target)).version]).toEqual([4, 4]);
  });

  it("takes deleted versions and adapters along, to be restored, and not those that are gone for good", async () => {
    await source.registry.publish(alpha, publishRequest("four"));
    await source.registry.deleteVersion(alpha, router, { version: 1 });
    await source.registry.deleteAdapter(alpha, spam);
    await mirror();
    expect(await answers(target)).toEqual(await answers(source));
    for (const { registry } of [source, target]) {
      await registry.restoreVersion(alpha, router, { version: 1 });
      await registry.restoreAdapter(alpha, spam);
    }
    const files = ({ registry }: TestRegistry) => registry.resolve(alpha, { name: router, version: 1 });
    expect(await files(target)).toEqual(await files(source));

    await source.registry.deleteAdapter(alpha, spam);
    target = createTestRegistry();
    for (const { clock } of [source, target]) clock.nowMs += RESTORE_MS_DEFAULT + 1;
    await source.registry.publish(alpha, publishRequest("begun anew", { name: spam }));
    await mirror();
    const { keys } = await listAll(target.store, { prefix: "" });
    expect(keys.filter((key) => key.includes(`/${spam}/manifests/`))).toEqual([
      manifestKey({ tenant: alpha, name: spam }, 2),
    ]);
    expect(await answers(target)).toEqual(await answers(source));
    expect(await findingsOf(target.store)).toEqual([]);
  });

  it("is of one tenant, one adapter or one prefix where that is asked for, and of the audit its entries", async () => {
    await source.registry.publish(beta, publishRequest("of another tenant"));
    await source.registry.putDataset(alpha, CSV);
    await mirror({ tenant: alpha, name: spam });
    const { adapters } = await target.registry.listAdapters(alpha);
    expect(adapters.map(({ name }) => name)).toEqual([spam]);
    const { entries } = await target.registry.listAudit(alpha);
    expect(entries.map(({ action, adapter }) => `${action} ${adapter}`).sort()).toEqual([
      "move_alias spam",
      "publish spam",
    ]);
    expect(await findingsOf(target.store)).toEqual([]);
    await mirror({ prefix: "rou" });
    expect((await target.registry.listAdapters(beta)).adapters).toHaveLength(1);
    await expect(mirror({ name: parseAdapterName("nowhere") })).rejects.toMatchObject({
      code: "adapter_not_found",
    });
  });

  it("takes datasets along where that is asked for, keys, limits and idempotency keys never", async () => {
    const dataset = await source.registry.putDataset(alpha, CSV);
    await source.registry.createKey(alpha, "for a test");
    await source.registry.setTenantLimits(alpha, { adapters: 5 });
    await source.registry.addSigningKey(alpha, {
      publicKey: createSigningKey().publicKey,
      name: "for a test",
    });
    await source.registry.publish(alpha, publishRequest("four", { idempotencyKey: "job-1" }));
    await mirror();
    await expect(target.registry.getDataset(alpha, dataset.id)).rejects.toMatchObject({
      code: "dataset_not_found",
    });
    expect((await mirror({ datasets: true })).total).toMatchObject({ datasets: 1, blobs: 1 });
    expect((await mirror({ datasets: true })).total).toMatchObject({ datasets: 0, blobs: 0 });
    expect(await target.registry.getDataset(alpha, dataset.id)).toEqual(
      await source.registry.getDataset(alpha, dataset.id),
    );
    const { keys } = await listAll(target.store, { prefix: "" });
    const others = keys.filter((key) => /^keys|limits|publications|signing/.test(key));
    expect(others).toEqual([]);
    expect((await listAll(source.store, { prefix: keysPrefix })).keys).toHaveLength(1);
    expect(await answers(target)).toEqual(await answers(source));
  });

  it("counts the target's usage anew, also after a mirror that was interrupted before it could", async () => {
    await target.registry.publish(alpha, publishRequest("own", { name: parseAdapterName("own") }));
    const own = await target.registry.getUsage(alpha);
    target.clock.nowMs += 1000;
    await mirror();
    const used = await target.registry.getUsage(alpha);
    expect(used.adapters.used).toBe(own.adapters.used + 2);
    expect(used.bytes.used).toBe(own.bytes.used + (await source.registry.getUsage(alpha)).bytes.used);
    const low = encode(JSON.stringify({ adapters: 1, bytes: own.bytes.used, nonce: "n" }));
    target.clock.nowMs -= 1000;
    await target.store.put(usageKey(alpha), low);
    expect((await mirror()).total.adapters).toMatchObject({ changed: 0, unchanged: 2 });
    expect(await target.registry.getUsage(alpha)).toEqual(used);
  });

  it("of a store with another layout is refused", async () => {
    await source.store.put(layoutKey, encode('{"layout":99}'));
    await expect(mirror()).rejects.toMatchObject({ code: "store_unsuitable" });
  });
});

describe("while others are at work", () => {
  /** Does it once, before the call with this number of those that the pattern names. */
  function once(pattern: RegExp, number: number, work: () => Promise<unknown>) {
    let left = number;
    return async (call: string) => {
      if (!pattern.test(call)) return;
      left -= 1;
      if (left === 0) await work();
    };
  }

  it("a version that is published between two reads of the source keeps nothing away", async () => {
    const publish = () => source.registry.publish(alpha, publishRequest("meanwhile"));
    const changing = hooked(source.store, once(/adapters\/router\//, 2, publish));
    expect((await mirror({}, { source: changing, target: target.store })).problems).toEqual([]);
    await mirror();
    expect(await answers(target)).toEqual(await answers(source));
  });

  it("what is collected at the source meanwhile is not missed", async () => {
    const collect = async () => {
      await source.registry.setAlias(alpha, router, { alias: "canary", version: 2 });
      await source.store.delete(manifestKey(owner, 1));
    };
    const changing = hooked(source.store, once(/^get .*router\/manifests\/\d+-1\./, 1, collect));
    expect((await mirror({}, { source: changing, target: target.store })).problems).toEqual([]);
    expect(await target.store.get(stateKey(owner))).toEqual(await source.store.get(stateKey(owner)));
  });

  it.each([
    ["reads the source", "source", /^list .*adapters\/router\//],
    ["writes the target's state", "target", /^put .*router\/state/],
  ] as const)("a mirror that is overtaken before it %s takes nothing back", async (_, side, pattern) => {
    await mirror();
    await source.registry.publish(alpha, publishRequest("before"));
    const overtake = async () => {
      await source.registry.publish(alpha, publishRequest("meanwhile"));
      await mirror();
    };
    const stores = { source: source.store, target: target.store };
    const overtaken = { ...stores, [side]: hooked(stores[side], once(pattern, 1, overtake)) };
    expect((await mirror({}, overtaken)).problems).toEqual([]);
    expect(await target.store.get(stateKey(owner))).toEqual(await source.store.get(stateKey(owner)));
  });

  it("a version that another mirror brings is not taken for one that the source has not", async () => {
    await mirror();
    const bring = async () => {
      await publishWithoutMove();
      expect((await mirror()).total.versions).toBe(1);
    };
    const watched = hooked(target.store, once(/^list .*adapters\/router\//, 1, bring));
    expect((await mirror({}, { source: source.store, target: watched })).problems).toEqual([]);
  });
});

describe("what is damaged at the source", () => {
  it("stays away, is told, and keeps nothing else away", async () => {
    const { manifest } = await source.registry.resolve(alpha, { name: router, version: 2 });
    const key = blobKey(alpha, manifest.files[1] ?? expect.unreachable());
    const whole = (await source.store.get(key))?.bytes ?? expect.unreachable();
    await source.store.put(
      key,
      whole.map((byte) => byte ^ 1),
    );
    const { total, codes } = await mirror();
    expect(codes).toEqual([`blob_corrupt ${router}`]);
    expect(total).toMatchObject({ failed: 1, adapters: { changed: 1, diverged: 0 } });
    expect((await target.registry.listAdapters(alpha)).adapters.map(({ name }) => name)).toContain(spam);
    await expect(target.registry.resolve(alpha, { name: router, version: 2 })).rejects.toThrow();
    await source.store.put(key, whole);
    expect((await mirror()).problems).toEqual([]);
    expect(await answers(target)).toEqual(await answers(source));
  });

  it.each([
    ["a manifest that an alias needs", manifestKey(owner, 2)],
    ["a claim", claimKey(owner, 1)],
    ["a segment of the history", historySegmentKey(owner, 1)],
  ])("is told of %s that is gone, and the target's aliases are not moved", async (_, key) => {
    await moveMuch(source.registry, 3 * HISTORY_SEGMENT_CHANGES);
    await source.store.delete(key);
    expect((await mirror()).codes).toEqual([`blob_not_found ${router}`]);
    expect(await target.store.get(stateKey(owner))).toBeUndefined();
  });

  it("is told of a manifest that is not the one an alias was moved to", async () => {
    const other = await source.registry.resolve(alpha, { name: router, version: 2 });
    const bytes = encode(JSON.stringify({ ...other.manifest, temperature: 2 }));
    await source.store.put(manifestKey(owner, 2), bytes);
    expect((await mirror()).codes).toEqual([`blob_corrupt ${router}`]);
    expect(await target.store.get(stateKey(owner))).toBeUndefined();
  });
});

describe("garbage", () => {
  const keysAt = async (store: TestRegistry["store"], part: string) =>
    (await listAll(store, { prefix: "" })).keys.filter((key) => key.includes(part));

  it("that was collected at the source is gone at the target too, and collected there by itself", async () => {
    await source.registry.deleteVersion(alpha, router, { version: 1 });
    await source.registry.deleteAdapter(alpha, spam);
    await mirror();
    const late = RESTORE_MS_DEFAULT + 2 * 24 * 60 * 60 * 1000;
    for (const { clock } of [source, target]) clock.nowMs += late;
    await source.registry.collectGarbage(alpha);
    expect((await mirror()).problems).toEqual([]);
    expect(await answers(target)).toEqual(await answers(source));
    for (let run = 0; run < 4; run += 1) {
      for (const { registry, clock } of [source, target]) {
        await registry.collectGarbage(alpha);
        clock.nowMs += late;
      }
    }
    expect(await mirror()).toMatchObject({ problems: [], total: { adapters: { changed: 0, unchanged: 2 } } });
    for (const part of ["/manifests/", "/blobs/"]) {
      expect(await keysAt(target.store, part)).toEqual(await keysAt(source.store, part));
    }
    expect(await findingsOf(target.store)).toEqual([]);
  });

  it("of a mirror that was interrupted is kept where it is found marked, and not named while it is collected", async () => {
    const { manifest } = await source.registry.resolve(alpha, { name: router, version: 1 });
    const key = blobKey(alpha, manifest.files[0] ?? expect.unreachable());
    const markAs = (state: string) => encode(JSON.stringify({ state, nonce: "n" }));
    await target.store.put(markKeyOf(key), markAs("collecting"));
    const { codes, problems } = await mirror();
    expect(codes).toEqual([`conflict ${router}`]);
    expect(problems[0]?.message).toContain("collected as garbage at the target");
    expect(await keysAt(target.store, key)).toEqual([markKeyOf(key)]);
    expect(await keysAt(target.store, manifestKey(owner, 1))).toEqual([]);
    await target.store.put(key, (await source.store.get(key))?.bytes ?? expect.unreachable());
    await target.store.put(markKeyOf(key), markAs("marked"));
    expect((await mirror()).problems).toEqual([]);
    expect(decode((await target.store.get(markKeyOf(key)))?.bytes)).toContain('"kept"');
    expect(await answers(target)).toEqual(await answers(source));
  });
});

describe("a file at the target in another size", () => {
  it("is sent again", async () => {
    const { manifest } = await source.registry.resolve(alpha, { name: spam, version: 1 });
    const key = blobKey(alpha, manifest.files[1] ?? expect.unreachable());
    await target.store.put(key, encode("cut"));
    await mirror();
    expect(await findingsOf(target.store)).toEqual([]);
    expect((await target.store.get(key))?.bytes).toEqual((await source.store.get(key))?.bytes);
  });
});

describe("an adapter that was changed at the target", () => {
  beforeEach(async () => {
    await mirror();
  });

  /** Refused, nothing of it changed, the other one mirrored. */
  async function expectDiverged(options: MirrorOptions = {}): Promise<string> {
    await source.registry.publish(alpha, publishRequest("more", { name: spam }));
    const before = await objectsOf(target.store);
    const { codes, problems, total } = await mirror(options);
    expect(codes).toEqual([`mirror_diverged ${router}`]);
    expect(total).toMatchObject({ adapters: { diverged: 1 }, failed: 0 });
    expect(problems[0]?.message).toContain(`Adapter ${router} of tenant ${alpha}`);
    const after = await objectsOf(target.store);
    for (const [key, content] of after) {
      if (key.includes(`/${router}/`)) expect(content).toBe(before.get(key));
    }
    const other = target.reopen();
    expect((await other.resolve(alpha, { name: spam, alias: "production" })).digest).toBe(
      (await source.registry.resolve(alpha, { name: spam, alias: "production" })).digest,
    );
    return problems[0]?.message ?? "";
  }

  it("stays as it is; with force its aliases and its recent history are the source's again", async () => {
    await target.registry.setAlias(alpha, router, { alias: "production", version: 1 });
    await source.registry.setAlias(alpha, router, { alias: "canary", version: 1 });
    expect(await expectDiverged()).toMatch(/last change, number 3, is not in the source's history.*force/);
    expect((await mirror({ force: true })).problems).toEqual([]);
    const { audit: ours, ...rest } = (await answers(source)) as { audit: unknown[] };
    const { audit: theirs, ...same } = (await answers(target)) as { audit: unknown[] };
    expect(same).toEqual(rest);
    // What was done at the target was done: its audit says so.
    expect(theirs).toHaveLength(ours.length + 1);
    expect(await findingsOf(target.store)).toEqual([]);
  });

  it("stays as it is where the source has not changed since", async () => {
    await target.registry.setAlias(alpha, router, { alias: "canary", version: 1 });
    await expectDiverged();
  });

  it("and whose number was published with other content at the source is not replaced, not even by force", async () => {
    await target.registry.publish(alpha, publishRequest("theirs"));
    await source.registry.publish(alpha, publishRequest("ours!!"));
    expect(await expectDiverged()).toMatch(/last change, number 3, is not in the source's history/);
    expect(await expectDiverged({ force: true })).toMatch(/version 3 is another one at the target/);
  });

  it("and has a version that the source has not, is not replaced", async () => {
    await target.registry.publish(alpha, publishRequest("theirs"));
    expect(await expectDiverged()).toMatch(/version 3, which the source has not/);
    await expectDiverged({ force: true });
  });

  it("is told from a publish at the target that died, whose number the source has used", async () => {
    target.store.revive();
    target.store.diesOfFault = true;
    target.store.faults.set(3, "after");
    await target.registry.publish(alpha, publishRequest("theirs")).catch(() => undefined);
    target.store.revive();
    expect(await target.store.get(claimKey(owner, 3))).toBeDefined();
    for (const text of ["ours", "and more"]) await source.registry.publish(alpha, publishRequest(text));
    expect(await expectDiverged()).toMatch(/number 3 was taken at the target by another publish/);
  });

  it("so often that a segment of its history was written, is not replaced by force", async () => {
    await moveMuch(target.registry, 3 * HISTORY_SEGMENT_CHANGES);
    await moveMuch(source.registry, 3 * HISTORY_SEGMENT_CHANGES + 1);
    expect(await expectDiverged({ force: true })).toMatch(
      /segment 1 of its history at the target is another/,
    );
  });
});
