import { expect, it } from "vitest";
import { checkStore } from "./fsck/check-store.ts";
import { backboneFilesPrefix, backboneRecordKey, describeKey } from "./layout.ts";
import { MemoryStore } from "./object-store/memory.ts";
import { putBackbone, readStoredBackbone } from "./stored-backbone.ts";

const ID = "owner/tiny";
const bytes = (text: string) => new TextEncoder().encode(text);
const backbone = {
  id: ID,
  digest: "sha256:of-the-backbone",
  facts: { pooling: "mean" },
  files: { "graph.onnx": bytes("graph"), "words.bin": bytes("words") },
};

it("what was put is read back, and is not sent twice", async () => {
  const store = new MemoryStore();
  expect(await putBackbone(store, backbone)).toEqual({ bytes: 10, bytesSent: 10 });
  expect(await readStoredBackbone(store, ID)).toEqual(backbone);
  expect(await putBackbone(store, backbone)).toEqual({ bytes: 10, bytesSent: 0 });
});

it("a new one replaces the files of the one before, and leaves none of them", async () => {
  const store = new MemoryStore();
  await putBackbone(store, backbone);
  const changed = { ...backbone, files: { ...backbone.files, "graph.onnx": bytes("other") } };
  expect(await putBackbone(store, changed)).toEqual({ bytes: 10, bytesSent: 5 });
  expect(await readStoredBackbone(store, ID)).toEqual(changed);
  expect((await store.list({ prefix: backboneFilesPrefix(ID) })).keys).toHaveLength(2);
});

it("one that is not there is told with the command that puts it there", async () => {
  const read = readStoredBackbone(new MemoryStore(), ID);
  await expect(read).rejects.toMatchObject({
    code: "backbone_not_found",
    message:
      "The store has no backbone owner/tiny. Put it there: softgate backbone put owner/tiny --store URL",
  });
});

it("a file that is gone or of other bytes is never given out", async () => {
  const store = new MemoryStore();
  await putBackbone(store, backbone);
  const [key = ""] = (await store.list({ prefix: backboneFilesPrefix(ID) })).keys;
  await store.put(key, bytes("bytes of another"));
  await expect(readStoredBackbone(store, ID)).rejects.toMatchObject({ code: "backbone_corrupt" });
  await store.delete(key);
  await expect(readStoredBackbone(store, ID)).rejects.toMatchObject({ code: "backbone_corrupt" });
});

it("a check of the store knows its objects, and tells a damaged one", async () => {
  const store = new MemoryStore();
  await putBackbone(store, backbone);
  expect((await checkStore(store)).found).toBe(0);
  const [key = ""] = (await store.list({ prefix: backboneFilesPrefix(ID) })).keys;
  await store.put(key, bytes("bytes of another"));
  const codes: string[] = [];
  await checkStore(store, { onFinding: ({ code }) => codes.push(code) });
  expect(codes).toEqual(["blob_damaged"]);
  expect(describeKey(backboneRecordKey(ID))?.kind).toBe("backbone");
});
