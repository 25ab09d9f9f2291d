import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { startNodeServer } from "./entry-node.ts";

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

it("a port in use is found before anything of the store is touched", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, options.host, resolve));
  const { port } = server.address() as AddressInfo;
  await expect(startNodeServer({ ...options, port, storeUrl: "nonsense" })).rejects.toThrow("--port");
  await new Promise((resolve) => server.close(resolve));
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, options.host, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
