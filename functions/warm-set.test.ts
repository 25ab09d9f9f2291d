import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createRegistry, openObjectStore, type Registry, readWarmRecord, WARM_ADAPTERS_MAX } from "#registry";
import { alpha, BACKBONE, createTestApp, publishAdapter } from "./test-app.ts";
import { WarmSet } from "./warm-set.ts";

let folder: string;
let registry: Registry;
const warmed: string[] = [];
const classifier = {
  waitingTexts: 0,
  async warm(adapter: { tenant: string; digest: string; load(): Promise<unknown> }) {
    await adapter.load();
    warmed.push(`${adapter.tenant} ${adapter.digest}`);
  },
};
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-warm-"));
  registry = createRegistry({ store: await openObjectStore("memory:") });
  warmed.length = 0;
  classifier.waitingTexts = 0;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const place = () => ({ folder, store: "a store", backboneDigest: BACKBONE.digest });
const open = (log: (event: Record<string, unknown>) => void = () => undefined) =>
  new WarmSet({ place: place(), registry, classifier, log });

it("what a server answered with is loaded again by the next, the most recently used first", async () => {
  const before = open();
  const { send } = await createTestApp({ registry, warmSet: before });
  const first = await publishAdapter(registry, { name: "first" });
  const second = await publishAdapter(registry, { name: "second" });
  for (const adapterId of ["first", "second", "first", "missing"]) {
    await send("POST", "/v1/classify", { adapterId, inputs: ["hello"] });
  }
  await before.close();
  expect(await open().restore()).toBe(2);
  expect(warmed).toEqual([`alpha ${first.digest}`, `alpha ${second.digest}`]);
});

it("an adapter that is gone, or broken, is passed over: the others are loaded", async () => {
  const before = open();
  const good = await publishAdapter(registry, { name: "good" });
  const broken = await publishAdapter(registry, { name: "broken", manifestLabels: ["no", "maybe"] });
  const other = `sha256:${"e".repeat(64)}`;
  for (const adapter of [
    good,
    broken,
    { ...good, version: 9, digest: other },
    { ...good, digest: BACKBONE.digest },
  ]) {
    before.note(alpha, adapter);
  }
  await before.close();
  expect(await open().restore()).toBe(1);
  expect(warmed).toEqual([`alpha ${good.digest}`]);
});

it("while texts wait, nothing is loaded; a server that closes meanwhile stops", async () => {
  const before = open();
  before.note(alpha, await publishAdapter(registry, { name: "good" }));
  await before.close();
  classifier.waitingTexts = 1;
  const next = open();
  const restoring = next.restore();
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(warmed).toEqual([]);
  classifier.waitingTexts = 0;
  expect(await restoring).toBe(1);
});

it("no more than WARM_ADAPTERS_MAX are remembered: the least recently used are not", async () => {
  const set = open();
  const adapter = await publishAdapter(registry, { name: "good" });
  for (let n = 0; n <= WARM_ADAPTERS_MAX; n++) {
    set.note(alpha, { ...adapter, version: n + 1, digest: `sha256:${n.toString(16).padStart(64, "0")}` });
  }
  await set.close();
  const record = await readWarmRecord(place());
  expect([record.length, record[0]?.version, record.at(-1)?.version]).toEqual([
    ...[WARM_ADAPTERS_MAX, WARM_ADAPTERS_MAX + 1, 2],
  ]);
});

it("a record that cannot be written is told, and ends nothing", async () => {
  const log = vi.fn();
  const set = new WarmSet({ place: { ...place(), folder: "/dev/null/x" }, registry, classifier, log });
  set.note(alpha, await publishAdapter(registry, { name: "good" }));
  await expect(set.close()).resolves.toBeUndefined();
  expect(log).toHaveBeenCalledWith(expect.objectContaining({ event: "warm_record_unwritten" }));
});
