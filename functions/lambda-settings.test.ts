import { expect, it } from "vitest";
import { readLambdaSettings } from "./lambda-settings.ts";

it("the store alone must be named; the rest has defaults that fit a function", () => {
  expect(readLambdaSettings({ SOFTGATE_STORE: "s3://adapters" })).toEqual({
    storeUrl: "s3://adapters",
    adapterFolder: expect.stringContaining("softgate"),
    adapterDiskBytes: 256 * 1024 * 1024,
  });
});

it("what is missing or wrong is named, each variable in a sentence", () => {
  const env = { SOFTGATE_ADAPTER_DISK_BYTES: "much", DATABASE_URL: "mysql://secret@db" };
  expect(() => readLambdaSettings(env)).toThrow(
    "The function is not configured. Set SOFTGATE_STORE: the store's URL, such as s3://BUCKET. " +
      "Set SOFTGATE_ADAPTER_DISK_BYTES: a whole number of bytes, 0 for no copies on disk. " +
      "Set DATABASE_URL: a Postgres URL, such as postgres://USER:PASSWORD@HOST/DATABASE.",
  );
  expect(() => readLambdaSettings({ SOFTGATE_STORE: "" })).toThrow("Set SOFTGATE_STORE");
});
