import { describe, expect, it } from "vitest";
import type { AuditEntry } from "#registry";
import { createTestApp, publishAdapter } from "../../test-app.ts";

interface Page {
  readonly entries: readonly AuditEntry[];
  readonly next?: string;
}

async function withChanges() {
  const test = await createTestApp();
  await publishAdapter(test.registry, { name: "router" });
  await publishAdapter(test.registry, { name: "router" });
  const csv = `text,label\n${Array.from({ length: 8 }, (_, row) => `text ${row},label ${row % 2}\n`).join("")}`;
  await test.app.request("/v1/datasets", {
    method: "POST",
    headers: {
      Authorization: `Bearer ${test.keys.alpha}`,
      "Content-Type": "text/csv",
      "X-Request-Id": "upload-1",
    },
    body: csv,
  });
  const changes = [
    ["PUT", "aliases/canary", { version: 1 }],
    ["POST", "aliases/production/rollback", { why: "worse" }],
    ["PUT", "aliases/production/protection", { protected: true }],
    ["DELETE", "versions/2", undefined],
    ["POST", "versions/2/restore", undefined],
    ["DELETE", "?force=true&why=gone", undefined],
    ["POST", "restore", undefined],
  ] as const;
  for (const [method, path, body] of changes) {
    const target = `/v1/adapters/router/${path}`.replace("/?", "?");
    const headers = { "X-Request-Id": `${method}-${path.replace(/[^a-z0-9]/g, "-")}` };
    expect((await test.send(method, target, body, { headers })).status).toBe(200);
  }
  const list = async (query = "", key = test.keys.alpha) => {
    const response = await test.send("GET", `/v1/audit${query}`, undefined, { key });
    return { status: response.status, body: (await response.json()) as Page };
  };
  return { ...test, list };
}

describe("200", () => {
  it("every change over HTTP has an entry with key id and request id, and no secret", async () => {
    const { list, registry, keys } = await withChanges();
    const keyId = (await registry.authenticate(keys.alpha))?.keyId;
    const { entries } = (await list("?limit=200")).body;
    const overHttp = entries.filter(({ by }) => by === keyId);
    expect(overHttp.map(({ action }) => action).sort()).toEqual(
      [
        ...["upload_dataset", "move_alias", "rollback", "protect_alias", "delete_version"],
        ...["restore_version", "delete_adapter", "restore_adapter"],
      ].sort(),
    );
    expect(overHttp.every(({ requestId }) => requestId !== undefined)).toBe(true);
    expect(overHttp.find(({ action }) => action === "upload_dataset")?.requestId).toBe("upload-1");
    expect(overHttp.find(({ action }) => action === "rollback")).toMatchObject({
      ...{ adapter: "router", alias: "production", from: 2, version: 1, why: "worse" },
    });
    expect(entries.map(({ action }) => action)).toEqual(expect.arrayContaining(["create_key", "publish"]));
    expect(JSON.stringify(entries)).not.toMatch(/sg_/);
  });

  it("pages give each entry once, newest first", async () => {
    const { list } = await withChanges();
    const all = (await list("?limit=200")).body.entries;
    const paged: AuditEntry[] = [];
    for (let after = ""; ; ) {
      const { entries, next } = (await list(`?limit=3${after}`)).body;
      paged.push(...entries);
      if (next === undefined) break;
      after = `&after=${next}`;
    }
    expect(paged).toEqual(all);
    expect(paged.map(({ at }) => at)).toEqual(
      paged
        .map(({ at }) => at)
        .toSorted()
        .toReversed(),
    );
  });

  it("another tenant sees its own alone", async () => {
    const { list, keys } = await withChanges();
    expect((await list("", keys.beta)).body.entries).toMatchObject([{ action: "create_key" }]);
  });

  it("a time before and after all leaves nothing", async () => {
    const { list } = await withChanges();
    expect((await list("?until=2020-01-01T00:00:00Z")).body).toEqual({ entries: [], has_more: false });
    expect((await list("?since=2200-01-01T00:00:00%2B02:00")).body).toEqual({ entries: [], has_more: false });
  });
});

describe("400", () => {
  it.each(["?after=x", "?limit=0", "?since=yesterday", "?until=2026", "?after=../../tenants/beta"])(
    "%s",
    async (query) => {
      const { list } = await withChanges();
      expect((await list(query)).status).toBe(400);
    },
  );
});

it("401: without a key nothing is told", async () => {
  const { app } = await createTestApp();
  expect((await app.request("/v1/audit")).status).toBe(401);
});
