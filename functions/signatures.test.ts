// Where a tenant requires signatures: what every route says of versions that have none.
import { describe, expect, it } from "vitest";
import { createSigner, createSigningKey } from "#registry";
import { alpha, createTestApp, publishAdapter } from "./test-app.ts";

const key = createSigningKey();
const signer = createSigner(key.privatePem);

async function withRequired(options: { signs?: true } = {}) {
  const test = await createTestApp(options.signs ? { signer } : {});
  await publishAdapter(test.registry, { name: "router" });
  await publishAdapter(test.registry, { name: "router", signer });
  const dataset = await test.registry.putDataset(alpha, {
    ...{ bytes: new TextEncoder().encode("text,label\n"), rows: 8, labels: ["no", "yes"] },
    ...{ fileName: "a.csv", mediaType: "text/csv", columns: { text: "text", label: "label" } },
  });
  await test.registry.addSigningKey(alpha, { publicKey: key.publicKey, name: "" });
  const send = async (method: string, path: string, body?: unknown) => {
    const response = await test.send(method, path, body);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const archive = await test.send("GET", "/v1/adapters/router/versions/1/export");
  await test.registry.requireSignatures(alpha, true);
  return { ...test, send, datasetId: dataset.id, archive: await archive.arrayBuffer() };
}

const classify = (adapterId: string) => ["POST", "/v1/classify", { adapterId, inputs: ["a"] }] as const;

describe("409", () => {
  it.each([
    ["classify", ...classify("router:1")],
    ["a move", "PUT", "/v1/adapters/router/aliases/production", { version: 1 }],
    ["a rollback", "POST", "/v1/adapters/router/aliases/production/rollback", undefined],
    ["an export", "GET", "/v1/adapters/router/versions/1/export", undefined],
    ["a report", "GET", "/v1/adapters/router/versions/1/report", undefined],
  ])("%s of a version that is not signed", async (_, method, path, body) => {
    const { send } = await withRequired();
    const { status, body: problem } = await send(method, path, body);
    expect([status, problem.code]).toEqual([409, "signature_required"]);
    expect(problem.detail).toContain("Version 1 of router");
    expect(problem).not.toHaveProperty("predictions");
  });

  it("an import, and a training by a server that has no key: before anything is learned", async () => {
    const { app, send, keys, archive, datasetId, jobs } = await withRequired();
    const imported = await app.request("/v1/adapters/copy/import", {
      method: "POST",
      headers: { Authorization: `Bearer ${keys.alpha}`, "Content-Type": "application/zip" },
      body: archive,
    });
    expect([imported.status, await imported.json()]).toMatchObject([409, { code: "signature_required" }]);
    const training = await send("POST", "/v1/adapters", { name: "router", datasetId });
    expect(training).toMatchObject({
      status: 409,
      body: { code: "signature_required", detail: expect.stringContaining("--signing-key") },
    });
    expect(await jobs.get("alpha", "job-1")).toBeUndefined();
  });

  it("a version whose key was revoked, though it was answered a moment ago", async () => {
    const { send, registry } = await withRequired();
    expect((await send(...classify("router"))).status).toBe(200);
    await registry.revokeSigningKey(alpha, key.id);
    expect(await send(...classify("router"))).toMatchObject({
      status: 409,
      body: { code: "signature_invalid", detail: expect.stringContaining("revoked") },
    });
  });
});

describe("200, 202", () => {
  it("a version that is signed is answered, and lists say by which key", async () => {
    const { send } = await withRequired();
    expect((await send(...classify("router"))).body).toMatchObject({ version: 2 });
    const { versions } = (await send("GET", "/v1/adapters/router/versions")).body as { versions: object[] };
    expect(versions[0]).toMatchObject({ version: 2, signedBy: key.id });
    expect(versions[1]).not.toHaveProperty("signedBy");
  });

  it("a training by a server with a key of the tenant is taken", async () => {
    const { send, datasetId } = await withRequired({ signs: true });
    expect((await send("POST", "/v1/adapters", { name: "router", datasetId })).status).toBe(202);
  });
});
