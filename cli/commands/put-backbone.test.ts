import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";
import { parseEdgeBackbone } from "#model/runtime/edge";
import { openObjectStore, readStoredBackbone } from "#registry";
import { writeTinyBackbone } from "../../test/helpers/tiny-backbone.ts";
import { softgate } from "../test-io.ts";

it("a backbone is put into a store whole, and once", async () => {
  const folder = await mkdtemp(join(tmpdir(), "softgate-put-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  vi.stubEnv("SOFTGATE_CACHE", join(folder, "cache"));
  const env = { SOFTGATE_STORE: `file:${join(folder, "store")}` };
  await writeTinyBackbone(join(folder, "tiny"));

  const first = await softgate(["backbone", "put", join(folder, "tiny"), "--json"], { env });
  const put = JSON.parse(first.stdout);
  expect(put.bytesSent).toBe(put.bytes);
  const second = await softgate(["backbone", "put", join(folder, "tiny"), "--json"], { env });
  expect(JSON.parse(second.stdout)).toEqual({ ...put, bytesSent: 0 });

  const store = await openObjectStore(env.SOFTGATE_STORE);
  const parsed = parseEdgeBackbone(await readStoredBackbone(store, put.id));
  expect(parsed).toMatchObject({ digest: put.digest, int8Digest: put.int8Digest });
  await store.close();
});
