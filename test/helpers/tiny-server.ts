// For tests of a whole server: on a tiny made-up backbone, its store, jobs and cache in a folder of their own, and a key of a
// tenant. It trains for real, in a child process, in some seconds.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import { createRegistry, openObjectStore, parseTenantId } from "#registry";
import { startNodeServer } from "../../functions/entry-node.ts";
import { writeTinyBackbone } from "./tiny-backbone.ts";

export interface TinyServer {
  readonly url: string;
  /** Of the tenant "acme", with every scope. */
  readonly key: string;
  readonly folder: string;
  close(): Promise<void>;
}

/** prepare: writes the backbone and what else the store is to have, and answers the key; default: the backbone alone. */
export async function startTinyServer(
  prepare: (place: { storeUrl: string; backboneFolder: string }) => Promise<string> = prepareEmpty,
): Promise<TinyServer> {
  const folder = await mkdtemp(join(tmpdir(), "softgate-"));
  vi.stubEnv("SOFTGATE_CACHE", join(folder, "cache"));
  const [storeUrl, backbone] = [`file:${join(folder, "store")}`, join(folder, "tiny")];
  const key = await prepare({ storeUrl, backboneFolder: backbone });
  const server = await startNodeServer({ storeUrl, backbone, port: 0, host: "127.0.0.1" });
  const close = async () => {
    await server.close();
    await rm(folder, { recursive: true });
  };
  return { url: server.url, key, folder, close };
}

async function prepareEmpty(place: { storeUrl: string; backboneFolder: string }): Promise<string> {
  await writeTinyBackbone(place.backboneFolder);
  const store = await openObjectStore(place.storeUrl);
  const { secret } = await createRegistry({ store }).createKey(parseTenantId("acme"), "test");
  await store.close();
  return secret;
}
