import fc from "fast-check";
import { unzipSync, zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { parsePublishedAdapter } from "#model";
import { createRegistry, openObjectStore, type Registry } from "#registry";
import { IMPORT_PLACES } from "../../middleware/limit-at-once.ts";
import { alpha, createTestApp, publishAdapter } from "../../test-app.ts";

const EXPORT = "/v1/adapters/router/versions/1/export";

async function createServer() {
  const registry = createRegistry({
    store: await openObjectStore("memory:"),
    checkAdapter: parsePublishedAdapter,
  });
  const test = await createTestApp({ registry });
  const post = (
    archive: Uint8Array<ArrayBuffer>,
    { path = "/v1/adapters/copy/import", type = "application/zip", idempotencyKey = "" } = {},
  ) =>
    test.app.request(path, {
      method: "POST",
      headers: {
        ...{ Authorization: `Bearer ${test.keys.beta}`, "Content-Type": type, "X-Request-Id": "same" },
        ...(idempotencyKey !== "" && { "Idempotency-Key": idempotencyKey }),
      },
      body: archive,
    });
  return { ...test, post };
}

/** A server with router:1 of alpha, and the package of it. */
async function withPackage(overrides: Partial<Parameters<typeof publishAdapter>[1]> = {}) {
  const server = await createServer();
  const published = await publishAdapter(server.registry, { name: "router", ...overrides });
  const response = await server.send("GET", EXPORT);
  const archive = new Uint8Array(await response.arrayBuffer());
  return { ...server, published, response, archive };
}

function rezip(archive: Uint8Array, change: (files: Record<string, Uint8Array>) => void) {
  const files = unzipSync(archive);
  change(files);
  return zipSync(files);
}

async function versionsOf(registry: Registry): Promise<unknown> {
  const { adapters } = await registry.listAdapters(alpha);
  return adapters;
}

describe("200, 201", () => {
  it("an export says what it is, is in no shared cache, and is the same bytes each time", async () => {
    const { response, archive, published, send } = await withPackage();
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "application/zip",
      "content-disposition": 'attachment; filename="router-1.zip"',
      "softgate-adapter-digest": published.digest,
      "cache-control": "private, no-store",
    });
    expect(new Uint8Array(await (await send("GET", `${EXPORT}?format=softgate`)).arrayBuffer())).toEqual(
      archive,
    );
  });

  it("an import is another tenant's version of the same files, with its origin", async () => {
    const { archive, post, published, registry, send, keys } = await withPackage();
    const response = await post(archive);
    expect(response.status).toBe(201);
    const origin = { tenant: "alpha", name: "router", version: 1, digest: published.digest };
    expect(await response.json()).toMatchObject({ adapterId: "copy:1", version: 1, origin });
    for (const path of ["/v1/adapters/copy/versions/1", "/v1/adapters/copy/versions"]) {
      const told = await (await send("GET", path, undefined, { key: keys.beta })).json();
      expect(told).toMatchObject(path.endsWith("versions") ? { versions: [{ origin }] } : { origin });
    }
    const back = await send("GET", "/v1/adapters/copy/versions/1/export", undefined, { key: keys.beta });
    const files = unzipSync(new Uint8Array(await back.arrayBuffer()));
    expect(files["adapter_model.safetensors"]).toEqual(unzipSync(archive)["adapter_model.safetensors"]);
    expect(JSON.parse(new TextDecoder().decode(files["manifest.json"]))).toMatchObject({
      name: "copy",
      origin,
    });
    expect(await versionsOf(registry)).toHaveLength(1);
  });

  it("an import that is sent again with its Idempotency-Key makes no second version", async () => {
    const { archive, post, registry, send, keys } = await withPackage();
    const versionOf = async (body: Uint8Array<ArrayBuffer>, idempotencyKey: string) => {
      const response = await post(body, { idempotencyKey });
      expect(response.status).toBe(201);
      return ((await response.json()) as { version: number }).version;
    };
    expect(await versionOf(archive, "monday")).toBe(1);
    expect(await versionOf(archive, "monday")).toBe(1);
    // Another package with a key that was used is refused, not taken for the first.
    await publishAdapter(registry, { name: "router", labels: ["a", "b", "c"] });
    const other = await (await send("GET", "/v1/adapters/router/versions/2/export")).arrayBuffer();
    const refused = await post(new Uint8Array(other), { idempotencyKey: "monday" });
    expect(refused.status).toBe(422);
    const listed = await send("GET", "/v1/adapters/copy/versions", undefined, { key: keys.beta });
    const { versions } = (await listed.json()) as { versions: { version: number }[] };
    expect(versions.map(({ version }) => version)).toEqual([1]);
  });

  it("an import moves the alias that is named, and no other", async () => {
    const { archive, post, send, keys } = await withPackage();
    await post(archive);
    expect((await post(archive, { path: "/v1/adapters/copy/import?alias=staging" })).status).toBe(201);
    const listed = await send("GET", "/v1/adapters", undefined, { key: keys.beta });
    expect(await listed.json()).toMatchObject({ adapters: [{ aliases: { production: 1, staging: 2 } }] });
  });
});

describe("400", () => {
  const pickle = Uint8Array.of(0x80, 4, 0x95, ...new Uint8Array(60));
  it.each<[string, (archive: Uint8Array) => Uint8Array<ArrayBuffer>, RegExp]>([
    ["that is no zip archive", () => new Uint8Array(100), /no zip archive, or a damaged one/],
    ["that is empty", () => new Uint8Array(0), /no zip archive/],
    ["that is cut", (archive) => archive.slice(0, -40), /no zip archive, or a damaged one/],
    [
      "with a path",
      (zip) => rezip(zip, (files) => (files["../../etc/passwd"] = pickle)),
      /no file of a package/,
    ],
    ["with an absolute path", (zip) => rezip(zip, (files) => (files["/etc/passwd"] = pickle)), /no file of/],
    [
      "with a folder",
      (zip) => rezip(zip, (files) => (files["a/manifest.json"] = pickle)),
      /no file of a package/,
    ],
    [
      "without its record",
      (zip) => rezip(zip, (files) => delete files["softgate.json"]),
      /softgate.json is missing/,
    ],
    [
      "with other weights",
      (zip) => rezip(zip, (files) => (files["adapter_model.safetensors"] = pickle)),
      /whose digest manifest.json names/,
    ],
    [
      "that unpacks to more than it may",
      (zip) => rezip(zip, (files) => (files["manifest.json"] = new Uint8Array(20 * 1024 * 1024))),
      /manifest.json has 20971520 bytes, at most 1048576 are allowed/,
    ],
  ])("a package %s is refused, and nothing kept", async (_, change, problem) => {
    const { archive, post, send, keys } = await withPackage();
    const response = await post(change(archive));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      ...{ code: "invalid_package", detail: expect.stringMatching(problem) },
    });
    const listed = await send("GET", "/v1/adapters", undefined, { key: keys.beta });
    expect(await listed.json()).toEqual({ adapters: [], has_more: false });
  });

  it("a member that unpacks to more than it says is refused", async () => {
    const { archive, post } = await withPackage();
    const large = rezip(archive, (files) => (files["manifest.json"] = new Uint8Array(5_000_000)));
    const view = new DataView(large.buffer);
    for (let at = 0; at + 4 < large.length; at++) {
      // In the central directory, the only place that is believed.
      if (view.getUint32(at, true) === 0x02014b50 && view.getUint32(at + 24, true) === 5_000_000)
        view.setUint32(at + 24, 100, true);
    }
    expect(await (await post(large)).json()).toMatchObject({ status: 400, code: "invalid_package" });
  });

  it("an Idempotency-Key of more than 200 characters is refused", async () => {
    const { archive, post } = await withPackage();
    const response = await post(archive, { idempotencyKey: "x".repeat(201) });
    expect(await response.json()).toMatchObject({
      ...{ status: 400, code: "invalid_request", detail: expect.stringContaining("Idempotency-Key") },
    });
  });

  it("a format that a server does not write is refused", async () => {
    const { send } = await withPackage();
    expect(await (await send("GET", `${EXPORT}?format=onnx`)).json()).toMatchObject({
      ...{ status: 400, code: "invalid_request" },
    });
  });

  it("whatever bytes of an archive are changed, the fault is never the server's", async () => {
    const { archive, post } = await withPackage();
    const edits = fc.array(fc.tuple(fc.nat(archive.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(edits, async (changes) => {
        const changed = archive.slice();
        for (const [at, byte] of changes) changed[at] = byte;
        expect((await post(changed)).status).toBeLessThan(500);
      }),
      { numRuns: 200 },
    );
  });
});

describe("401, 404, 409, 413, 415, 429", () => {
  it("without a key nothing is exported or imported", async () => {
    const { app } = await withPackage();
    expect((await app.request(EXPORT)).status).toBe(401);
    expect((await app.request("/v1/adapters/copy/import", { method: "POST" })).status).toBe(401);
  });

  it("another tenant's version is answered, byte by byte, like a missing one", async () => {
    const { send, keys } = await withPackage();
    const empty = await createTestApp();
    const options = { headers: { "X-Request-Id": "same" } };
    const others = await send("GET", EXPORT, undefined, { ...options, key: keys.beta });
    const missing = await empty.send("GET", EXPORT, undefined, { ...options, key: empty.keys.beta });
    expect(others.status).toBe(404);
    expect(await others.text()).toBe(await missing.text());
  });

  it("a package for another backbone than the server's is refused", async () => {
    const backbone = { id: "other", digest: `sha256:${"b".repeat(64)}` };
    const { archive, post } = await withPackage({ backbone });
    expect(await (await post(archive)).json()).toMatchObject({ status: 409, code: "backbone_mismatch" });
  });

  it("a body above 36 MiB is refused", async () => {
    const { post } = await createServer();
    expect((await post(new Uint8Array(36 * 1024 * 1024 + 1))).status).toBe(413);
  });

  it("a body that says it is something else is refused", async () => {
    const { archive, post } = await withPackage();
    expect((await post(archive, { type: "application/json" })).status).toBe(415);
  });

  it("more imports at once than a server takes of a tenant are put off", async () => {
    const { archive, post } = await withPackage();
    const send = () => post(archive);
    const waiting = Array.from({ length: IMPORT_PLACES.ofTenantMost + 1 }, send);
    const statuses = (await Promise.all(waiting)).map(({ status }) => status).sort();
    expect(statuses).toEqual([...Array<number>(IMPORT_PLACES.ofTenantMost).fill(201), 429]);
  });
});
