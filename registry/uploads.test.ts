// Uploads by URL, against a real S3 server: each URL is good for one content under one key, once, for a while.
import { request as httpRequest } from "node:http";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { findVersitygw, startVersitygw, type TestS3 } from "../test/helpers/versitygw.ts";
import { createRegistry } from "./create-registry.ts";
import { digestOf } from "./digest.ts";
import { blobKey, copiesPrefix, datasetKey, uploadsPrefix } from "./layout.ts";
import {
  DATASET_BYTES_MAX,
  PRESIGNED_UPLOAD_SECONDS,
  UPLOAD_PENDING_MS_MAX,
  UPLOADS_PENDING_MAX,
} from "./limits.ts";
import type { ObjectStore, PresignedPut } from "./object-store/object-store.ts";
import { openObjectStore } from "./object-store/open.ts";
import type { Registry } from "./registry.ts";
import { alpha, beta, createTestRegistry, encode } from "./test-registry.ts";

const program = await findVersitygw();
const content = encode("text,label\na,b\n");
const digest = digestOf(content);
const blob = { digest, bytes: content.byteLength };
const file = { fileName: "a.csv", mediaType: "text/csv" as const, columns: {} };
const read = { rows: 1, labels: ["b"], columns: { text: "text", label: "label" } };

/** The status of a request with these very headers. */
function send({ url, headers }: Pick<PresignedPut, "url" | "headers">, body: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(url, { method: "PUT", headers, agent: false }, (response) => {
      response.resume();
      response.once("end", () => resolve(response.statusCode ?? 0));
    });
    sent.once("error", reject);
    sent.end(body);
  });
}

describe.skipIf(program === undefined)("an upload by URL", () => {
  let server: TestS3;
  let store: ObjectStore;
  let registry: Registry;

  beforeAll(async () => {
    server = await startVersitygw(program ?? "", ["uploads"]);
  }, 30_000);
  beforeEach(async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", server.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", server.secretAccessKey);
    store = await openObjectStore(`s3://uploads/a/prefix?endpoint=${server.endpoint}&region=us-east-1`);
    registry = createRegistry({ store });
  });
  afterEach(async () => {
    vi.useRealTimers();
    for (const key of await copies()) await store.delete(key);
    for (const key of (await store.list({ prefix: uploadsPrefix(alpha) })).keys) await store.delete(key);
    await store.close();
  });
  afterAll(() => server?.stop());

  const presign = async (given: typeof blob) =>
    (await registry.beginUpload(alpha, { ...given, ...file })).put;
  const copies = async (tenant = alpha) => (await store.list({ prefix: copiesPrefix(tenant, digest) })).keys;

  it("is taken as it was announced, once, and becomes the tenant's blob, which a dataset of it need not send", async () => {
    const beforeMs = Date.now();
    const put = await presign(blob);
    expect(Date.parse(put.expiresAt) - beforeMs).toBeGreaterThanOrEqual(PRESIGNED_UPLOAD_SECONDS * 1_000);
    expect(await send(put, content)).toBe(200);
    const [key = ""] = await copies();
    expect((await store.get(key))?.bytes).toEqual(content);
    expect(await copies(beta)).toEqual([]);
    expect(await send(put, content)).toBe(412);
    const { id } = await registry.putDataset(alpha, {
      ...{ bytes: content, rows: 1, labels: ["b"], fileName: "a.csv", mediaType: "text/csv" },
      columns: { text: "text", label: "label" },
    });
    expect(await copies()).toEqual([key]);
    expect((await registry.getDataset(alpha, id)).content).toEqual(content);
  });

  it("that is sent and completed is a dataset, and its bytes count from its beginning", async () => {
    const used = async () => (await registry.getUsage(alpha)).bytes.used;
    const before = await used();
    const { datasetId, put } = await registry.beginUpload(alpha, { ...blob, ...file });
    expect(await used()).toBe(before + content.byteLength);
    const upload = await registry.findUpload(alpha, datasetId);
    if (!upload) return expect.unreachable();
    await expect(registry.openUpload(alpha, upload)).rejects.toMatchObject({ code: "upload_incomplete" });
    await send(put, content);
    expect(await wholeOf(await registry.openUpload(alpha, upload))).toEqual(content);
    // Two that complete it at once make one.
    const [one, other] = await Promise.all(
      [1, 2].map(() => registry.completeUpload(alpha, { upload, read })),
    );
    expect(one).toEqual(other);
    expect((await registry.getDataset(alpha, datasetId)).content).toEqual(content);
    expect(await registry.findUpload(alpha, datasetId)).toBeUndefined();
    expect(await registry.findUpload(beta, datasetId)).toBeUndefined();
    expect((await registry.recountUsage(alpha)).bytes).toBe(content.byteLength);
    await store.delete(datasetKey(alpha, datasetId));
  });

  it("of other content is refused, whatever is said of it", async () => {
    const put = await presign(blob);
    const same = content.map((byte, index) => (index === 0 ? byte + 1 : byte));
    expect(await send(put, same)).toBe(400);
    const checksum = Buffer.from(digestOf(same).replace("sha256:", ""), "hex").toString("base64");
    const relabelled = { ...put.headers, "x-amz-checksum-sha256": checksum };
    expect(await send({ ...put, headers: relabelled }, same)).toBe(403);
    expect(await copies()).toEqual([]);
  });

  it("of another length is refused", async () => {
    const put = await presign(blob);
    for (const other of [encode("text,label\na,b\nc,d\n"), encode("text")]) {
      const headers = { ...put.headers, "Content-Length": String(other.byteLength) };
      expect(await send({ ...put, headers }, other)).toBe(403);
    }
    expect(await copies()).toEqual([]);
  });

  it.each(["If-None-Match", "x-amz-checksum-sha256"])("without %s is refused", async (name) => {
    const put = await presign(blob);
    const { [name]: _gone, ...headers } = put.headers;
    expect(await send({ ...put, headers }, content)).toBe(403);
    expect(await copies()).toEqual([]);
  });

  it("under another key, of the same tenant or of another, is refused", async () => {
    const { url, headers } = await presign(blob);
    for (const other of [
      url.replace("tenants/alpha/", "tenants/beta/"),
      url.replace(/\/sha256\/./, "/sha256/0"),
    ]) {
      if (other !== url) expect(await send({ url: other, headers }, content)).toBe(403);
    }
    expect(await copies(beta)).toEqual([]);
  });

  it("after its time is refused, and it says when that is", async () => {
    const nowMs = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now: nowMs - 120_000 });
    const put = await store.presignPut?.(blobKey(alpha, { digest, copy: "0".repeat(32) }), {
      ...blob,
      expiresInSeconds: 60,
    });
    vi.useRealTimers();
    if (!put) return expect.unreachable();
    expect(put.expiresAt).toBe(new Date(nowMs - 60_000).toISOString());
    expect(await send(put, content)).toBe(403);
    expect(await copies()).toEqual([]);
  });
});

describe("a URL for an upload", () => {
  it("is not to be had where the store is a folder or in memory", async () => {
    for (const url of ["memory:", "file:unused"]) {
      const registry = createRegistry({ store: await openObjectStore(url) });
      await expect(registry.beginUpload(alpha, { ...blob, ...file })).rejects.toMatchObject({
        code: "direct_upload_unsupported",
        publicMessage: expect.stringContaining("POST /v1/datasets"),
      });
    }
  });

  it.each([
    ["what is no digest", { digest: "../other", bytes: 1 }, "invalid_name"],
    ["nothing", { digest, bytes: 0 }, "limit_exceeded"],
    ["more than a dataset has", { digest, bytes: DATASET_BYTES_MAX + 1 }, "limit_exceeded"],
    ["half a byte", { digest, bytes: 0.5 }, "limit_exceeded"],
    ["more than the tenant may have", { digest, bytes: 11 }, "quota_exceeded"],
  ])("for %s is refused", async (_, given, code) => {
    const { store, registry: plain } = createTestRegistry();
    await plain.setTenantLimits(alpha, { bytes: 10 });
    const presigning = Object.assign(store, { presignPut: () => Promise.reject(new Error("was asked")) });
    const registry = createRegistry({ store: presigning });
    await expect(registry.beginUpload(alpha, { ...given, ...file })).rejects.toMatchObject({ code });
  });

  it("that is not completed in time is forgotten, its bytes free, when the tenant begins another", async () => {
    const { registry, clock } = presigning();
    await registry.setTenantLimits(alpha, { bytes: 20 });
    const { datasetId } = await registry.beginUpload(alpha, { ...blob, ...file });
    expect((await registry.recountUsage(alpha)).bytes).toBe(blob.bytes);
    await expect(registry.beginUpload(alpha, { ...blob, ...file })).rejects.toMatchObject({
      code: "quota_exceeded",
    });
    clock.nowMs += UPLOAD_PENDING_MS_MAX;
    expect(await registry.findUpload(alpha, datasetId)).toBeUndefined();
    await registry.beginUpload(alpha, { ...blob, ...file });
    expect((await registry.getUsage(alpha)).bytes.used).toBe(blob.bytes);
  });

  it("that ran out is released once, however many begin another at once", async () => {
    const { registry, clock, store } = presigning();
    // What is released twice would be taken off this.
    await keepDataset(registry);
    const used = async () => (await registry.getUsage(alpha)).bytes.used;
    const kept = await used();
    await registry.beginUpload(alpha, { ...blob, ...file });
    clock.nowMs += UPLOAD_PENDING_MS_MAX;
    // Both have read the record that ran out before either forgets it.
    const both = Promise.withResolvers<void>();
    let readers = 0;
    const get = store.get.bind(store);
    store.get = async (key) => {
      const stored = await get(key);
      if (key.startsWith(uploadsPrefix(alpha)) && readers < 2) {
        readers += 1;
        if (readers === 2) both.resolve();
        await both.promise;
      }
      return stored;
    };
    await Promise.all([1, 2].map(() => registry.beginUpload(alpha, { ...blob, ...file })));
    expect(await used()).toBe(kept + 2 * blob.bytes);
    expect((await store.list({ prefix: uploadsPrefix(alpha) })).keys).toHaveLength(2);
  });

  it("of the same content as another's reserves by itself, also after a recount, and neither is released twice", async () => {
    const { registry, clock } = presigning();
    await keepDataset(registry);
    const kept = (await registry.getUsage(alpha)).bytes.used;
    for (let times = 0; times < 2; times += 1) await registry.beginUpload(alpha, { ...blob, ...file });
    expect((await registry.recountUsage(alpha)).bytes).toBe(kept + 2 * blob.bytes);
    clock.nowMs += UPLOAD_PENDING_MS_MAX;
    await registry.beginUpload(alpha, { ...blob, ...file });
    expect((await registry.getUsage(alpha)).bytes.used).toBe(kept + blob.bytes);
  });

  it("keeps its bytes reserved through a recount that falls anywhere into its beginning", async () => {
    for (let call = 0; ; call += 1) {
      const { registry, store, reopen } = presigning();
      await registry.getUsage(alpha);
      let calls = 0;
      const other = reopen();
      const put = store.put.bind(store);
      store.put = async (...given) => {
        const result = await put(...given);
        calls += 1;
        if (calls === call) await other.recountUsage(alpha);
        return result;
      };
      await registry.beginUpload(alpha, { ...blob, ...file });
      const callsOfBeginning = calls;
      store.put = put;
      expect((await registry.getUsage(alpha)).bytes.used).toBeGreaterThanOrEqual(blob.bytes);
      if (call > callsOfBeginning) return;
    }
  });

  it("counts through a recount that its completion falls into, wherever that is", async () => {
    for (let at = 0; ; at += 1) {
      const { registry, store, reopen } = presigning();
      const { datasetId } = await registry.beginUpload(alpha, { ...blob, ...file });
      const upload = await registry.findUpload(alpha, datasetId);
      if (!upload) throw new Error("invariant: it was begun");
      await store.put(blobKey(alpha, upload), content);
      let lists = 0;
      const list = store.list.bind(store);
      store.list = async (options) => {
        const page = await list(options);
        lists += 1;
        if (lists === at) await registry.completeUpload(alpha, { upload, read });
        return page;
      };
      await reopen().recountUsage(alpha);
      expect((await registry.getUsage(alpha)).bytes.used).toBeGreaterThanOrEqual(blob.bytes);
      if (at > lists) return;
    }
  });

  it("that was refused for the tenant's limit leaves no reservation behind", async () => {
    const { registry, store } = presigning();
    await registry.setTenantLimits(alpha, { bytes: 1 });
    await expect(registry.beginUpload(alpha, { ...blob, ...file })).rejects.toMatchObject({
      code: "quota_exceeded",
    });
    expect((await store.list({ prefix: uploadsPrefix(alpha) })).keys).toEqual([]);
    expect((await registry.recountUsage(alpha)).bytes).toBe(0);
  });

  it("that whoever forgot it died over is removed later, and releases nothing again", async () => {
    const { registry, store, clock } = presigning();
    await registry.beginUpload(alpha, { ...blob, ...file });
    clock.nowMs += UPLOAD_PENDING_MS_MAX;
    const remove = store.delete.bind(store);
    store.delete = async () => {
      throw new Error("killed");
    };
    await expect(registry.beginUpload(alpha, { ...blob, ...file })).rejects.toThrow("killed");
    store.delete = remove;
    await keepDataset(registry);
    const kept = (await registry.getUsage(alpha)).bytes.used;
    await registry.beginUpload(alpha, { ...blob, ...file });
    expect((await registry.getUsage(alpha)).bytes.used).toBe(kept + blob.bytes);
    clock.nowMs += UPLOAD_PENDING_MS_MAX;
    await registry.beginUpload(alpha, { ...blob, ...file });
    expect((await store.list({ prefix: uploadsPrefix(alpha) })).keys).toHaveLength(1);
    expect((await registry.getUsage(alpha)).bytes.used).toBe(kept + blob.bytes);
  });

  it("is given to a tenant for so many uploads at once and no more", async () => {
    const { registry } = presigning();
    for (let index = 0; index < UPLOADS_PENDING_MAX; index += 1)
      await registry.beginUpload(alpha, { ...blob, ...file });
    await expect(registry.beginUpload(alpha, { ...blob, ...file })).rejects.toMatchObject({
      code: "limit_exceeded",
    });
    await registry.beginUpload(beta, { ...blob, ...file });
  });
});

/** A store in memory that says it signs URLs. */
function presigning() {
  const { store, clock, reopen } = createTestRegistry();
  const presignPut = async () => ({ method: "PUT", url: "https://s3/", headers: {}, expiresAt: "" }) as const;
  Object.assign(store, { presignPut });
  return { registry: reopen(), clock, store, reopen };
}

async function keepDataset(registry: Registry): Promise<void> {
  const bytes = encode(`text,label\n${"more bytes than an upload,b\n".repeat(100)}`);
  await registry.putDataset(alpha, { ...{ ...file, ...read, bytes } });
}

async function wholeOf(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return new Uint8Array(Buffer.concat(all));
}
