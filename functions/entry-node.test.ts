import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { freePort } from "../test/helpers/free-port.ts";
import { writeTinyBackbone } from "../test/helpers/tiny-backbone.ts";
import { findVersitygw, startVersitygw, type TestS3 } from "../test/helpers/versitygw.ts";
import { startNodeServer } from "./entry-node.ts";

const program = await findVersitygw();
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-"));
  vi.stubEnv("SOFTGATE_CACHE", folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const options = { storeUrl: "memory:", host: "127.0.0.1", port: 0 };

it("a backbone that was not pulled is named with the command that pulls it", async () => {
  await expect(startNodeServer({ ...options, backbone: "owner/none" })).rejects.toMatchObject({
    code: "backbone_not_found",
    publicMessage: expect.stringContaining("softgate backbone pull owner/none"),
  });
});

it("a start that fails leaves the port free", async () => {
  const port = await freePort();
  for (let start = 0; start < 2; start += 1) {
    const failed = startNodeServer({ ...options, port, backbone: "owner/none" });
    await expect(failed).rejects.toMatchObject({ code: "backbone_not_found" });
  }
});

describe.skipIf(program === undefined)("a store that is set wrongly ends the start with a sentence", () => {
  let s3: TestS3;
  beforeAll(async () => {
    s3 = await startVersitygw(program ?? "", ["adapters"]);
  });
  afterAll(() => s3?.stop());

  it.each<[string, string, string, Record<string, string>?]>([
    [
      "a missing bucket",
      "s3://none-such?endpoint=ENDPOINT",
      "correct its name in the store's URL (--store or",
    ],
    [
      "a wrong region",
      "s3://adapters?endpoint=ENDPOINT&region=eu-west-3",
      "correct region= in the store's URL",
    ],
    ["a wrong endpoint", "s3://adapters?endpoint=http://127.0.0.1:9", "endpoint= in the store's URL"],
    ["a wrong key", "s3://adapters?endpoint=ENDPOINT", "AWS_ACCESS_KEY_ID", { AWS_ACCESS_KEY_ID: "who" }],
    [
      "a wrong secret",
      "s3://adapters?endpoint=ENDPOINT",
      "AWS_SECRET_ACCESS_KEY",
      { AWS_SECRET_ACCESS_KEY: "no" },
    ],
    ["no bucket at all", "s3://?endpoint=ENDPOINT", "names no bucket"],
    ["what is no URL", "/var/adapters", "no URL of a store"],
  ])("%s", async (_name, url, words, env = {}) => {
    const backbone = join(folder, "tiny");
    await writeTinyBackbone(backbone);
    vi.stubEnv("AWS_ACCESS_KEY_ID", s3.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", s3.secretAccessKey);
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    const storeUrl = url.replace("ENDPOINT", s3.endpoint);
    const port = await freePort();
    await expect(startNodeServer({ ...options, port, backbone, storeUrl })).rejects.toMatchObject({
      publicMessage: expect.stringContaining(words),
    });
    await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow("fetch failed");
  });
});

it("a port in use is found before anything of the store is touched", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, options.host, resolve));
  const { port } = server.address() as AddressInfo;
  await expect(startNodeServer({ ...options, port, storeUrl: "nonsense" })).rejects.toThrow("--port");
  await new Promise((resolve) => server.close(resolve));
});
