// The whole registry on every store, as two processes use it at once: what holds in memory must hold
// on a disk and on a real S3 server.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { findVersitygw, startVersitygw, type TestS3 } from "../test/helpers/versitygw.ts";
import { createRegistry } from "./create-registry.ts";
import type { ObjectStore } from "./object-store/object-store.ts";
import { openObjectStore } from "./object-store/open.ts";
import { parseAdapterName, type Registry } from "./registry.ts";
import { alpha, beta, encode, publishRequest, router } from "./test-registry.ts";

const program = await findVersitygw();
const PUBLISHERS = 8;

describe("the registry on a folder", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "softgate-registry-"));
  });
  afterAll(() => rm(folder, { recursive: true }));
  describeRegistry(() => openObjectStore(`file:${folder}`));
});

describe.skipIf(program === undefined)("the registry on a real S3 server", () => {
  let server: TestS3;
  beforeAll(async () => {
    server = await startVersitygw(program ?? "", ["registry"]);
  }, 30_000);
  beforeEach(() => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", server.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", server.secretAccessKey);
  });
  afterAll(() => server?.stop());
  describeRegistry(() => openObjectStore(`s3://registry/softgate?endpoint=${server.endpoint}`));
});

function describeRegistry(openStore: () => Promise<ObjectStore>): void {
  let stores: ObjectStore[];
  let here: Registry;
  let there: Registry;

  beforeAll(async () => {
    stores = await Promise.all([openStore(), openStore()]);
    [here, there] = stores.map((store) => createRegistry({ store })) as [Registry, Registry];
  });
  afterAll(async () => {
    await Promise.all((stores ?? []).map((store) => store.close()));
  });

  it("numbers concurrent publishes of two processes without gap or loss, and production is the newest", async () => {
    const published = await Promise.all(
      Array.from({ length: PUBLISHERS }, (_, index) =>
        (index % 2 ? here : there).publish(alpha, publishRequest(`text ${index}`)),
      ),
    );
    const { versions } = await there.listVersions(alpha, router);
    expect(versions.map(({ version }) => version)).toEqual([8, 7, 6, 5, 4, 3, 2, 1]);
    for (const { version, digest, manifest } of published) {
      expect((await there.resolve(alpha, { name: router, version })).digest).toBe(digest);
      await here.readFiles(alpha, manifest);
    }
    expect((await here.listAdapters(alpha)).adapters).toMatchObject([
      { name: "router", latestVersion: PUBLISHERS, aliases: { production: PUBLISHERS } },
    ]);
    await expect(here.resolve(beta, { name: router, version: 1 })).rejects.toMatchObject({
      code: "adapter_not_found",
    });
  });

  it("rolls back, deletes and restores for the other process, and loses no change of both at once", async () => {
    const tickets = parseAdapterName("tickets");
    for (const text of ["one", "two", "three"]) {
      await here.publish(alpha, publishRequest(text, { name: tickets }));
    }
    const { changes: before } = await here.listHistory(alpha, tickets);
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (index % 2 ? here : there).setAlias(alpha, tickets, { alias: `alias-${index}`, version: 2 }),
      ),
    );
    await there.rollback(alpha, tickets, { alias: "production", from: 3 });
    const { changes } = await there.listHistory(alpha, tickets, { limit: 200 });
    expect(changes.map(({ sequence }) => sequence)).toEqual(
      changes.map((_, index) => changes.length - index),
    );
    expect(changes).toHaveLength(before.length + 21);
    await expect(there.deleteVersion(alpha, tickets, { version: 2 })).rejects.toMatchObject({
      code: "version_in_use",
    });
    await there.deleteAdapter(alpha, tickets);
    const production = { name: tickets, alias: "production" };
    await expect(there.resolve(alpha, production)).rejects.toMatchObject({ code: "adapter_not_found" });
    await there.restoreAdapter(alpha, tickets);
    expect((await there.resolve(alpha, production)).version).toBe(2);
    const { entries } = await here.listAudit(alpha, { limit: 200 });
    const audited = entries.filter((entry) => entry.adapter === "tickets" && entry.action !== "publish");
    expect(audited).toHaveLength(changes.length + 2);
    await here.deleteAdapter(alpha, tickets);
  });

  it("makes one version of one job that two processes publish at once", async () => {
    const request = publishRequest("job", { idempotencyKey: "job-1" });
    const [first, second] = await Promise.all([here.publish(beta, request), there.publish(beta, request)]);
    expect(second).toEqual(first);
    expect((await here.listVersions(beta, router)).versions).toHaveLength(1);
  });

  it("keeps datasets and keys for the other process", async () => {
    const dataset = { bytes: encode("text,label"), rows: 1, labels: ["a"], fileName: "a.csv" };
    const { id } = await here.putDataset(alpha, {
      ...dataset,
      mediaType: "text/csv",
      columns: { text: "text", label: "label" },
    });
    expect((await there.getDataset(alpha, id)).content).toEqual(dataset.bytes);
    const { secret, record } = await here.createKey(beta, "test");
    expect(await there.authenticate(secret)).toEqual({
      tenant: "beta",
      keyId: record.id,
      scopes: record.scopes,
    });
    await there.revokeKey(record.id);
    expect(await there.authenticate(secret)).toBeUndefined();
    expect((await there.listKeys(beta)).keys).toMatchObject([
      { id: record.id, revokedAt: expect.any(String) },
    ]);
    const second = await here.createKey(beta, "second");
    const rotated = await there.rotateKey(second.record.id, { overlapMs: 0 });
    expect(await here.authenticate(second.secret)).toBeUndefined();
    expect(await here.authenticate(rotated.secret)).toMatchObject({ tenant: "beta" });
    const ids: string[] = [];
    for (let after: string | undefined; ; ) {
      const page = await here.listKeys(beta, { limit: 1, ...(after && { after }) });
      ids.push(...page.keys.map((key) => key.id));
      if (page.next === undefined) break;
      after = page.next;
    }
    expect(ids).toEqual([record.id, second.record.id, rotated.record.id].sort());
  });
}
