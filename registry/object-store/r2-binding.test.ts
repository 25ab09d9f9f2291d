// The contract on R2 by a Worker's binding, in workerd itself: the suite calls a Worker that holds the store.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { createTestHarness } from "wrangler";
import type { BridgeCall } from "../../test/helpers/r2-bridge.ts";
import { RegistryError, type RegistryErrorCode } from "../errors.ts";
import { checkSize } from "./check-object.ts";
import { describeObjectStore } from "./contract.ts";
import type { ObjectPage, ObjectStore, PutResult } from "./object-store.ts";
import { R2BindingStore } from "./r2-binding.ts";

describeObjectStore(
  "R2 by its binding (workerd)",
  async () => {
    const root = await mkdtemp(join(tmpdir(), "softgate-r2-binding-"));
    const configPath = join(root, "wrangler.json");
    const config = {
      name: "softgate-r2-bridge",
      main: fileURLToPath(new URL("../../test/helpers/r2-bridge.ts", import.meta.url)),
      compatibility_date: "2026-10-01",
      compatibility_flags: ["nodejs_compat"],
      r2_buckets: [{ binding: "BUCKET", bucket_name: "contract" }],
    };
    await writeFile(configPath, JSON.stringify(config));
    const harness = createTestHarness({ root, workers: [{ configPath }] });
    const dispose = async () => {
      await harness.close();
      await rm(root, { recursive: true, force: true });
    };
    try {
      const { url } = await harness.listen();
      return { store: bridgeTo(url), other: bridgeTo(url), dispose };
    } catch (error) {
      await dispose();
      throw error;
    }
  },
  { keepsNestedKeys: true },
);

it("a bucket that does not answer is store_unreachable, and its own words stay inside", async () => {
  const refuse = () => Promise.reject(new Error("get: We encountered an internal error (10001)"));
  const store = new R2BindingStore({ get: refuse, put: refuse, delete: refuse, list: refuse });
  for (const call of [
    () => store.get("a"),
    () => store.put("a", new Uint8Array()),
    () => store.delete("a"),
  ]) {
    await expect(call()).rejects.toMatchObject({
      code: "store_unreachable",
      publicMessage: expect.not.stringContaining("10001"),
    });
  }
});

/** The store behind the Worker. */
function bridgeTo(url: URL): ObjectStore {
  const send = async (call: BridgeCall, body?: Uint8Array): Promise<Response> => {
    const path = `/?call=${encodeURIComponent(JSON.stringify(call))}`;
    const response = await fetch(new URL(path, url), {
      method: "POST",
      ...(body && { body: body as Uint8Array<ArrayBuffer> }),
    });
    if (response.ok) return response;
    const { message, code } = (await response.json()) as { message: string; code?: RegistryErrorCode };
    throw code === undefined ? new Error(message) : new RegistryError(code, message);
  };
  return {
    description: "R2 by its binding",
    async get(key) {
      const response = await send({ kind: "get", key });
      if (response.status === 204) return undefined;
      const bytes = new Uint8Array(await response.arrayBuffer());
      return { bytes, etag: response.headers.get("x-etag") ?? "" };
    },
    async getPart(key, part) {
      const response = await send({ kind: "getPart", key, part });
      return response.status === 204 ? undefined : new Uint8Array(await response.arrayBuffer());
    },
    async put(key, bytes, condition) {
      // Before a gigabyte is sent to be refused.
      checkSize(key, bytes.byteLength);
      const response = await send({ kind: "put", key, ...(condition && { condition }) }, bytes);
      return (await response.json()) as PutResult;
    },
    delete: async (key) => void (await send({ kind: "delete", key })),
    list: async (options) => (await (await send({ kind: "list", options })).json()) as ObjectPage,
    check: async () => void (await send({ kind: "check" })),
    close: async () => undefined,
  };
}
