import { expect, it } from "vitest";
import { parseEdgeSettings } from "./settings.ts";

const bucket = { get: () => undefined, put: () => undefined, list: () => undefined };
const env = { BUCKET: bucket, BACKBONE: "owner/tiny" };

it("takes a bucket and a backbone's id", () => {
  expect(parseEdgeSettings(env)).toEqual({ bucket, backboneId: "owner/tiny", corsOrigins: [] });
});

it.each([
  ["BUCKET", { BUCKET: undefined }],
  ["BUCKET", { BUCKET: "softgate" }],
  ["BACKBONE", { BACKBONE: undefined }],
  ["BACKBONE", { BACKBONE: "../tiny/x" }],
])("names %s where it is %j", (name, wrong) => {
  expect(() => parseEdgeSettings({ ...env, ...wrong })).toThrow(new RegExp(`^${name}: .*wrangler.jsonc`));
});

it("pages of other origins are named as origins, or all of them", () => {
  const origins = (CORS_ORIGINS: string) => parseEdgeSettings({ ...env, CORS_ORIGINS }).corsOrigins;
  expect(origins("https://one.example, http://localhost:3000")).toEqual([
    "https://one.example",
    "http://localhost:3000",
  ]);
  expect(origins("*")).toEqual(["*"]);
  expect(() => origins("https://one.example/path")).toThrow(/^CORS_ORIGINS: /);
});
