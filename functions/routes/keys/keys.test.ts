import { describe, expect, it } from "vitest";
import { parseTenantId } from "#registry";
import { createKey, createTestApp } from "../../test-app.ts";
import { listKeysAnswerSchema } from "./list.ts";
import { rotateKeyAnswerSchema } from "./rotate.ts";
import { createdKeySchema } from "./view.ts";

type Body = Record<string, unknown> & { id: string; secret: string };
const read = async (response: Response) => (await response.json()) as Body;

describe("200 and 201", () => {
  it("a key is made with scopes and an expiry, shown once, and listed without its secret", async () => {
    const { send } = await createTestApp();
    const request = { description: "reader", scopes: ["read"], expiresAt: "2100-01-01T00:00:00.000Z" };
    const response = await send("POST", "/v1/keys", request);
    expect([response.status, response.headers.get("cache-control")]).toEqual([201, "no-store"]);
    const { secret, ...key } = createdKeySchema.parse(await read(response));
    expect(key).toMatchObject(request);
    const text = await (await send("GET", "/v1/keys")).text();
    expect(listKeysAnswerSchema.parse(JSON.parse(text)).keys).toContainEqual(key);
    expect(text).not.toContain(secret);
    expect((await send("GET", "/v1/adapters", undefined, { key: secret })).status).toBe(200);
  });

  it("a rotated key works beside its successor until the overlap ends", async () => {
    const { send } = await createTestApp();
    const old = await read(await send("POST", "/v1/keys", { scopes: ["read"] }));
    const rotated = await send("POST", `/v1/keys/${old.id}/rotate`, {});
    expect([rotated.status, rotated.headers.get("cache-control")]).toEqual([201, "no-store"]);
    const { secret, id, previous } = rotateKeyAnswerSchema.parse(await rotated.json());
    expect(previous).toMatchObject({ id: old.id, rotatedTo: id, expiresAt: expect.any(String) });
    for (const key of [old.secret, secret]) {
      expect((await send("GET", "/v1/adapters", undefined, { key })).status).toBe(200);
    }
    const again = await read(await send("POST", `/v1/keys/${id}/rotate`, { overlapSeconds: 0 }));
    expect((await send("GET", "/v1/adapters", undefined, { key: secret })).status).toBe(401);
    expect((await send("GET", "/v1/adapters", undefined, { key: again.secret })).status).toBe(200);
  });

  it("a key can end itself, and ending it twice is ending it once", async () => {
    const { send, registry } = await createTestApp();
    const key = await createKey(registry, "alpha");
    const id = (await registry.authenticate(key))?.keyId;
    const first = await read(await send("DELETE", `/v1/keys/${id}`, undefined, { key }));
    expect(first).toMatchObject({ id, revokedAt: expect.any(String) });
    expect((await send("GET", "/v1/keys", undefined, { key })).status).toBe(401);
    expect(await read(await send("DELETE", `/v1/keys/${id}`))).toEqual(first);
  });

  it("pages follow one another without gap or repetition", async () => {
    const { send, registry } = await createTestApp();
    for (let key = 0; key < 4; key += 1) await createKey(registry, "alpha");
    const ids: string[] = [];
    for (let after = ""; ; ) {
      const page = (await (await send("GET", `/v1/keys?limit=2${after}`)).json()) as {
        keys: Body[];
        next?: string;
      };
      ids.push(...page.keys.map(({ id }) => id));
      if (page.next === undefined) break;
      after = `&after=${page.next}`;
    }
    expect([ids.length, new Set(ids).size]).toEqual([5, 5]);
  });

  it("each request tells which key was used", async () => {
    const noted: string[] = [];
    const { send, registry, keys } = await createTestApp({
      keyUses: { note: (keyId) => void noted.push(keyId) },
    });
    await send("GET", "/v1/adapters");
    await send("GET", "/v1/adapters", undefined, { key: "sg_x" });
    expect(noted).toEqual([(await registry.authenticate(keys.alpha))?.keyId]);
  });
});

describe("400", () => {
  it.each([
    ["no scopes", {}, "invalid_request"],
    ["an empty list of scopes", { scopes: [] }, "invalid_request"],
    ["an unknown scope", { scopes: ["root"] }, "invalid_request"],
    ["a tenant in the body", { scopes: ["read"], tenant: "beta" }, "invalid_request"],
    ["an expiry that is no time", { scopes: ["read"], expiresAt: "soon" }, "invalid_request"],
    ["an expiry in the past", { scopes: ["read"], expiresAt: "2001-01-01T00:00:00Z" }, "invalid_expiry"],
  ])("refuses %s, and makes nothing", async (_, body, code) => {
    const { send } = await createTestApp();
    const response = await send("POST", "/v1/keys", body);
    expect([response.status, (await read(response)).code]).toEqual([400, code]);
    expect(((await read(await send("GET", "/v1/keys"))).keys as Body[]).length).toBe(1);
  });

  it("refuses an overlap of more than 30 days", async () => {
    const { send } = await createTestApp();
    const { id } = await read(await send("POST", "/v1/keys", { scopes: ["read"] }));
    const response = await send("POST", `/v1/keys/${id}/rotate`, { overlapSeconds: 2_592_001 });
    expect(response.status).toBe(400);
  });
});

describe("404", () => {
  it("another tenant's key is as missing as one that never was, and stays as it is", async () => {
    const { send, keys, registry } = await createTestApp();
    const { id } = await read(await send("POST", "/v1/keys", { scopes: ["read"] }, { key: keys.beta }));
    const same = { headers: { "X-Request-Id": "same" } };
    for (const [method, suffix, body] of [
      ["DELETE", "", undefined],
      ["POST", "/rotate", {}],
    ] as const) {
      const others = await send(method, `/v1/keys/${id}${suffix}`, body, same);
      const missing = await send(method, `/v1/keys/key_${"0".repeat(20)}${suffix}`, body, same);
      expect(others.status).toBe(404);
      const text = (await missing.text()).replace(`key_${"0".repeat(20)}`, id);
      expect(await others.text()).toBe(text);
    }
    const listed = await registry.listKeys(parseTenantId("beta"));
    const key = listed.keys.find((each) => each.id === id);
    expect(key).toMatchObject({ description: "" });
    expect(key).not.toHaveProperty("revokedAt");
  });
});

describe("409", () => {
  it("a key that was rotated before names its successor", async () => {
    const { send } = await createTestApp();
    const { id } = await read(await send("POST", "/v1/keys", { scopes: ["read"] }));
    const successor = await read(await send("POST", `/v1/keys/${id}/rotate`, {}));
    const response = await send("POST", `/v1/keys/${id}/rotate`, {});
    expect(response.status).toBe(409);
    expect(await read(response)).toMatchObject({
      code: "conflict",
      detail: expect.stringContaining(successor.id),
    });
  });
});
