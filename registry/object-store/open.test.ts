import { describe, expect, it } from "vitest";
import { openObjectStore } from "./open.ts";

describe("openObjectStore", () => {
  it.each([
    ["memory:", "memory of this process"],
    ["file:/srv/softgate", "folder /srv/softgate"],
    ["file:///srv/soft%20gate", "folder /srv/soft gate"],
    ["s3://bucket-1", "s3://bucket-1/ at AWS"],
    ["s3://bucket-1/a/b/?region=eu-central-1", "s3://bucket-1/a/b/ at AWS"],
    ["s3://bucket-1/a?endpoint=http://127.0.0.1:9/", "s3://bucket-1/a/ at http://127.0.0.1:9"],
  ])("%s opens", async (url, description) => {
    const store = await openObjectStore(url);
    expect(store.description).toBe(description);
    await store.close();
  });

  it.each([
    "",
    "memory",
    "file:",
    "http://bucket/key",
    "s3:bucket",
    "s3://",
    "s3://Bad_Bucket",
    "s3://id:hunter2secret@bucket-1",
    "s3://bucket-1:80/",
    "s3://bucket-1/a b",
    "s3://bucket-1/%2e%2e/x",
    "s3://bucket-1/x/..",
    "s3://bucket-1/%41",
    "s3://bucket-1?secret=hunter2secret",
    "s3://bucket-1?endpoint=ftp://host",
    "s3://bucket-1?endpoint=127.0.0.1:9000",
    "s3://bucket-1?endpoint=http://id:hunter2secret@host",
    "s3://bucket-1#hunter2secret",
  ])("%j is refused with the three forms, and is not repeated", async (url) => {
    const error = await openObjectStore(url).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: "invalid_store_url",
      publicMessage: expect.stringContaining("file:PATH"),
    });
    expect(String(error)).not.toContain("hunter2secret");
  });
});
