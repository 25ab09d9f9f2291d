import { beforeEach, describe, expect, it } from "vitest";
import { blobKey } from "./layout.ts";
import { DATASET_BYTES_MAX } from "./limits.ts";
import { alpha, beta, createTestRegistry, encode, type TestRegistry } from "./test-registry.ts";

const dataset = {
  bytes: encode("text,label\nhello,greeting\n"),
  rows: 1,
  labels: ["greeting"],
  fileName: "tickets.csv",
  mediaType: "text/csv",
  columns: { text: "message", label: "intent" },
} as const;

let test: TestRegistry;

beforeEach(() => {
  test = createTestRegistry();
});

describe("datasets", () => {
  it("come back as they were put, with a record that describes them", async () => {
    const { bytes, ...rest } = dataset;
    const record = await test.registry.putDataset(alpha, dataset);
    expect(record).toMatchObject({ ...rest, bytes: bytes.byteLength, createdAt: "2026-01-01T00:00:00.000Z" });
    expect(await test.reopen().getDataset(alpha, record.id)).toEqual({ ...record, content: bytes });
  });

  it("of equal content have ids of their own and share their bytes", async () => {
    const first = await test.registry.putDataset(alpha, dataset);
    const second = await test.registry.putDataset(alpha, { ...dataset, fileName: "again.csv" });
    expect(second.id).not.toBe(first.id);
    expect(second.digest).toBe(first.digest);
    expect((await test.store.list({ prefix: "tenants/alpha/blobs/" })).keys).toHaveLength(1);
  });

  it("of another tenant are not found, like ids that never were or are none", async () => {
    const { id } = await test.registry.putDataset(alpha, dataset);
    for (const other of [id, `ds_${"0".repeat(32)}`, "", "../alpha/datasets/x", "__proto__"]) {
      const reading = test.registry.getDataset(beta, other);
      await expect(reading).rejects.toMatchObject({ code: "dataset_not_found" });
    }
  });

  it("that were changed in the store are refused", async () => {
    const record = await test.registry.putDataset(alpha, dataset);
    const { id } = record;
    await test.store.put(blobKey(alpha, record), encode("text,label\nhello,insult!!\n"));
    await expect(test.registry.getDataset(alpha, id)).rejects.toMatchObject({ code: "blob_corrupt" });
    await test.store.put(`tenants/alpha/datasets/${id}.json`, encode('{"id":1}'));
    await expect(test.registry.getDataset(alpha, id)).rejects.toMatchObject({ code: "blob_corrupt" });
  });

  it.each([
    ["bytes", { bytes: new Uint8Array(DATASET_BYTES_MAX + 1) }],
    ["characters in its file's name", { fileName: "x".repeat(256) }],
    ["characters in a column's name", { columns: { text: "x".repeat(201), label: "label" } }],
  ])("with too many %s are refused before anything is stored", async (_, change) => {
    const putting = test.registry.putDataset(alpha, { ...dataset, ...change });
    await expect(putting).rejects.toMatchObject({ code: "limit_exceeded" });
    expect(test.store.calls).toEqual([]);
  });
});
