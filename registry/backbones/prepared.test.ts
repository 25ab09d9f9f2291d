import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { writeTinyBackbone } from "../../test/helpers/tiny-backbone.ts";
import { keepPrepared, openPrepared, pullBackbone } from "./index.ts";

let cache: string;
let place: { folder: string; key: string; madeBy: Record<string, string> };

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "softgate-prepared-"));
  vi.stubEnv("SOFTGATE_CACHE", cache);
  await writeTinyBackbone(join(cache, "tiny"));
  const { folder } = await pullBackbone(join(cache, "tiny"));
  place = { folder, key: "serving-test", madeBy: { version: "1" } };
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(cache, { recursive: true, force: true });
});

async function keep(at = place) {
  return keepPrepared(at, async (folder) => {
    await writeFile(join(folder, "graph"), "nodes and weights");
    return { names: ["graph"], facts: { pooling: "mean" } };
  });
}

it("what was prepared is found again whole, with its facts", async () => {
  expect(await openPrepared(place)).toBeUndefined();
  await keep();
  const prepared = await openPrepared(place);
  expect(prepared).toMatchObject({ folder: join(place.folder, place.key), facts: { pooling: "mean" } });
  expect(await prepared?.verify()).toBe(true);
  expect((await readdir(place.folder)).filter((name) => name.endsWith(".partial"))).toEqual([]);
});

it("what another version made is of no use, and is replaced", async () => {
  await keep();
  const next = { ...place, madeBy: { version: "2" } };
  expect(await openPrepared(next)).toBeUndefined();
  await keep(next);
  expect(await openPrepared(next)).toBeDefined();
  expect(await openPrepared(place)).toBeUndefined();
});

it("a file of another size is seen at once, one of other bytes when it is verified, and then it is gone", async () => {
  const file = join((await keep())?.folder ?? "", "graph");
  await writeFile(file, "short");
  expect(await openPrepared(place)).toBeUndefined();
  await writeFile(file, "NODES and weights");
  expect(await (await openPrepared(place))?.verify()).toBe(false);
  expect(await openPrepared(place)).toBeUndefined();
});

it("what was made of another backbone is of no use", async () => {
  await keep();
  const record = join(place.folder, "backbone.json");
  const other = (await readFile(record, "utf8")).replace(/"sha256:[0-9a-f]+"/, `"sha256:${"0".repeat(64)}"`);
  await writeFile(record, other);
  expect(await openPrepared(place)).toBeUndefined();
});

it("nothing is kept of a folder that was not pulled, or by a writer that fails", async () => {
  expect(await keep({ ...place, folder: join(cache, "tiny") })).toBeUndefined();
  const failing = keepPrepared(place, () => Promise.reject(new Error("the graph cannot be built")));
  await expect(failing).rejects.toThrow("cannot be built");
  expect((await readdir(place.folder)).filter((name) => name.startsWith("serving"))).toEqual([]);
});

it.skipIf(process.getuid?.() === 0)("a folder that cannot be written to is none of its errors", async () => {
  await chmod(place.folder, 0o500);
  expect(await keep()).toBeUndefined();
  await chmod(place.folder, 0o700);
});
