// Against a real issuer on this machine.
import { SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type LocalIssuer, startLocalIssuer } from "../test/helpers/local-issuer.ts";
import { createTokenVerifier, type OidcOptions } from "./oidc.ts";
import { createTestApp } from "./test-app.ts";

let issuer: LocalIssuer;
let clock: { nowMs: number };
const claims = { tenant: "alpha", scope: "openid softgate:read softgate:classify" };

beforeEach(async () => {
  issuer = await startLocalIssuer();
  clock = { nowMs: Date.now() };
});
afterEach(() => issuer.close());

function verifier(options: Partial<OidcOptions> = {}) {
  return createTokenVerifier({
    ...{ issuer: issuer.url, audience: "softgate", now: () => clock.nowMs },
    ...options,
  });
}

describe("a token of the issuer", () => {
  it("speaks for the tenant of its claim, with the scopes that are meant for this server", async () => {
    const found = await verifier().verify(await issuer.sign(claims));
    expect(found).toEqual({
      tenant: "alpha",
      keyId: expect.stringMatching(/^oidc_[0-9a-f]{20}$/),
      scopes: ["classify", "read"],
    });
    expect(JSON.stringify(found)).not.toContain("someone");
  });

  it("is read by the claims and the prefix that the operator names", async () => {
    const token = await issuer.sign({ org: "beta", roles: ["train", "admin", "other"], scope: "read" });
    const options = { tenantClaim: "org", scopesClaim: "roles", scopePrefix: "" };
    expect(await verifier(options).verify(token)).toMatchObject({
      tenant: "beta",
      scopes: ["train", "admin"],
    });
  });

  it.each(["RS256", "PS256", "ES384", "EdDSA"])("is taken with a signature by %s", async (algorithm) => {
    await issuer.addKey(algorithm);
    expect(await verifier().verify(await issuer.sign(claims))).toMatchObject({ tenant: "alpha" });
  });

  it("costs the issuer nothing once its keys are known, and a key that is new one more request", async () => {
    const tokens = verifier();
    for (let request = 0; request < 5; request += 1) await tokens.verify(await issuer.sign(claims));
    expect(issuer.counts).toEqual({ discovery: 1, keys: 1 });
    const stranger = await issuer.sign(claims, { kid: "key-of-nobody" });
    for (let request = 0; request < 5; request += 1) expect(await tokens.verify(stranger)).toBeUndefined();
    expect(issuer.counts.keys).toBe(1);
  });

  it("is taken as long as clocks may differ, and no longer", async () => {
    const exp = Math.floor(clock.nowMs / 1000) + 60;
    const token = await issuer.sign({ ...claims, exp });
    const tokens = verifier();
    clock.nowMs = (exp + 29) * 1000;
    expect(await tokens.verify(token)).toBeDefined();
    clock.nowMs = (exp + 31) * 1000;
    expect(await tokens.verify(token)).toBeUndefined();
    const early = await issuer.sign({ ...claims, exp: exp + 3600, nbf: exp + 100 });
    expect(await tokens.verify(early)).toBeUndefined();
  });
});

describe("refused are tokens", () => {
  it("signed by an algorithm that is not on the list, though with a key of the issuer", async () => {
    await issuer.addKey("ES512");
    expect(await verifier().verify(await issuer.sign(claims))).toBeUndefined();
  });

  const nowSeconds = Math.floor(Date.now() / 1000);
  it.each([
    ["of another audience", { aud: "other" }],
    ["of another issuer", { iss: "https://elsewhere.example" }],
    ["that have expired", { exp: nowSeconds - 3600 }],
    ["that live for more than a day", { exp: nowSeconds + 2 * 24 * 3600 }],
    ["without an end", { exp: undefined }],
    ["of nobody", { sub: undefined }],
    ["without a tenant", { tenant: undefined }],
    ["of a tenant that is no name", { tenant: "../alpha" }],
    ["of a tenant that is no text", { tenant: ["alpha"] }],
  ])("%s", async (_, changed) => {
    expect(await verifier().verify(await issuer.sign({ ...claims, ...changed }))).toBeUndefined();
  });

  it("without a signature, with another's, with a shared secret, or changed", async () => {
    const good = await issuer.sign(claims);
    const [header = "", payload = "", signature = ""] = good.split(".");
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const other = await startLocalIssuer();
    const forged = await other.sign({ ...claims, iss: issuer.url });
    await other.close();
    const { keys } = issuer.answers.get("/keys") as { keys: object[] };
    const shared = await new SignJWT({ ...JSON.parse(Buffer.from(payload, "base64url").toString()) })
      .setProtectedHeader({ alg: "HS256", kid: "key-1" })
      .sign(new TextEncoder().encode(JSON.stringify(keys[0])));
    const richer = encode({ ...JSON.parse(Buffer.from(payload, "base64url").toString()), tenant: "beta" });
    const tokens = verifier();
    for (const token of [
      `${encode({ alg: "none" })}.${payload}.`,
      `${encode({ alg: "none", kid: "key-1" })}.${payload}.${signature}`,
      ...[forged, shared, `${header}.${richer}.${signature}`, `${header}.${payload}.AAAA`, "a.b.c"],
    ]) {
      expect(await tokens.verify(token)).toBeUndefined();
    }
    expect(await tokens.verify(good)).toBeDefined();
  });
});

describe("an issuer that does not answer as it should", () => {
  const DISCOVERY = "/.well-known/openid-configuration";
  it.each<[string, path: string, spoil: (answer: object) => unknown]>([
    ["no discovery document", DISCOVERY, () => 404],
    [
      "another issuer's document",
      DISCOVERY,
      (answer) => ({ ...answer, issuer: "https://elsewhere.example" }),
    ],
    [
      "keys over an open line",
      DISCOVERY,
      (answer) => ({ ...answer, jwks_uri: "http://elsewhere.example/keys" }),
    ],
    ["keys that fail", "/keys", () => 500],
    ["keys that are none", "/keys", () => ({ keys: "none" })],
    ["more of an answer than anyone needs", "/keys", (answer) => ({ ...answer, more: "x".repeat(300_000) })],
  ])("%s: nothing is believed, it is asked no more for seconds, and then again", async (_, path, spoil) => {
    const whole = issuer.answers.get(path) as object;
    issuer.answers.set(path, spoil(whole));
    const tokens = verifier();
    const token = await issuer.sign(claims);
    await expect(tokens.verify(token)).rejects.toMatchObject({ code: "issuer_unreachable" });
    const asked = { ...issuer.counts };
    await expect(tokens.verify(token)).rejects.toMatchObject({ code: "issuer_unreachable" });
    expect(issuer.counts).toEqual(asked);
    issuer.answers.set(path, whole);
    clock.nowMs += 5_000;
    expect(await tokens.verify(token)).toBeDefined();
  });

  it("that fails while its keys are known still lets in whoever they verify", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      const tokens = verifier({ now: Date.now });
      const [good, stranger] = [await issuer.sign(claims), await issuer.sign(claims, { kid: "unknown" })];
      expect(await tokens.verify(good)).toBeDefined();
      issuer.answers.set("/keys", 500);
      vi.setSystemTime(Date.now() + 60_000);
      for (let request = 0; request < 3; request += 1) {
        await expect(tokens.verify(stranger)).rejects.toMatchObject({ code: "issuer_unreachable" });
        expect(await tokens.verify(good)).toBeDefined();
      }
      expect(issuer.counts).toEqual({ discovery: 1, keys: 2 });
    } finally {
      vi.useRealTimers();
    }
  });

  it.each(["http://issuer.example", "issuer", "file:///etc"])(
    "%s is refused before a server starts",
    (url) => {
      expect(() => verifier({ issuer: url })).toThrow(/--oidc-issuer/);
    },
  );
});

describe("the app", () => {
  it("answers a token as it answers a key, each by its scopes, and what is neither with one and the same 401", async () => {
    const { send, app } = await createTestApp({ tokens: verifier() });
    const token = await issuer.sign(claims);
    expect((await send("GET", "/v1/adapters", undefined, { key: token })).status).toBe(200);
    const refused = await send("GET", "/v1/audit", undefined, { key: token });
    expect([refused.status, (await refused.json()) as object]).toMatchObject([
      403,
      { code: "scope_admin_missing" },
    ]);
    expect((await send("GET", "/v1/adapters")).status).toBe(200);
    const bodies = new Set<string>();
    for (const key of [await issuer.sign({ ...claims, aud: "other" }), "a.b.c", "sg_x"]) {
      const headers = { Authorization: `Bearer ${key}`, "X-Request-Id": "same" };
      const response = await app.request("/v1/adapters", { headers });
      bodies.add(`${response.status} ${await response.text()}`);
    }
    expect([...bodies]).toEqual([expect.stringMatching(/^401 /)]);
  });

  it("writes who it was into the audit, and never notes a use of a key for a token", async () => {
    const noted: string[] = [];
    const keyUses = { note: (keyId: string) => void noted.push(keyId) };
    const { send } = await createTestApp({ tokens: verifier(), keyUses });
    const token = await issuer.sign({ ...claims, scope: "softgate:admin" });
    await send("POST", "/v1/keys", { scopes: ["read"] }, { key: token });
    const audit = await (await send("GET", "/v1/audit", undefined, { key: token })).json();
    expect(audit).toMatchObject({
      entries: [{ action: "create_key", by: expect.stringMatching(/^oidc_/) }, {}],
    });
    expect(noted).toEqual([]);
  });

  it("without an issuer takes no token, and says 503 where the issuer does not answer", async () => {
    const token = await issuer.sign(claims);
    const without = await createTestApp();
    expect((await without.send("GET", "/v1/adapters", undefined, { key: token })).status).toBe(401);
    issuer.answers.set("/keys", 500);
    const { send } = await createTestApp({ tokens: verifier() });
    const response = await send("GET", "/v1/adapters", undefined, { key: token });
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "5"]);
    expect(await response.json()).toMatchObject({ code: "issuer_unreachable" });
  });
});
