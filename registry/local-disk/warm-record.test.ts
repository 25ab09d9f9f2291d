import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { WARM_ADAPTERS_MAX } from "../limits.ts";
import { alpha, router } from "../test-registry.ts";
import { readWarmRecord, type WarmAdapter, type WarmRecordPlace, writeWarmRecord } from "./warm-record.ts";

let folder: string;
let place: WarmRecordPlace;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-warm-"));
  place = { folder, store: "s3://bucket/", backboneDigest: "sha256:b" };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const adapter = (version: number): WarmAdapter => ({
  ...{ tenant: alpha, name: router, version },
  digest: `sha256:${"d".repeat(64)}`,
});

it("what one server wrote the next one of the same store and backbone reads, in its order", async () => {
  await writeWarmRecord(place, [adapter(2), adapter(1)]);
  expect(await readWarmRecord(place)).toEqual([adapter(2), adapter(1)]);
  expect(await readWarmRecord({ ...place, store: "s3://other/" })).toEqual([]);
  expect(await readWarmRecord({ ...place, backboneDigest: "sha256:c" })).toEqual([]);
  const [file, ...others] = await readdir(join(folder, "warm"));
  expect(others).toEqual([]);
  if (process.platform === "win32") return;
  expect((await stat(join(folder, "warm", file ?? ""))).mode & 0o777).toBe(0o600);
});

it("no more than WARM_ADAPTERS_MAX are remembered, and all of those are read", async () => {
  await writeWarmRecord(
    place,
    Array.from({ length: WARM_ADAPTERS_MAX + 5 }, (_, index) => adapter(index + 1)),
  );
  const read = await readWarmRecord(place);
  expect([read.length, read[0]?.version]).toEqual([WARM_ADAPTERS_MAX, 1]);
});

it.each([
  ["cut", '{"adapters":[{"ten'],
  ["of names that no key may have", '{"adapters":[{"tenant":"../x","name":"a","version":1,"digest":"d"}]}'],
  ["too large", `{"adapters":[],"more":"${"x".repeat(1024 * 1024)}"}`],
])("a record that is %s is none", async (_, text) => {
  await writeWarmRecord(place, [adapter(1)]);
  const [file] = await readdir(join(folder, "warm"));
  await writeFile(join(folder, "warm", file ?? ""), text);
  expect(await readWarmRecord(place)).toEqual([]);
});
