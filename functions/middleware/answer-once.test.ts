import { describe, expect, it } from "vitest";
import { createRegistry, openObjectStore } from "#registry";
import { takesKey } from "../openapi/create-document.ts";
import { operations } from "../openapi/operations.ts";
import { alpha, createKey, createTestApp } from "../test-app.ts";

const CSV = `text,label\n${["a", "b", "c", "d"].map((text) => `${text} good,yes\n${text} bad,no\n`).join("")}`;
const upload = (key: string) => ({ headers: { "Content-Type": "text/csv", "Idempotency-Key": key } });

describe("a POST that is sent again with its Idempotency-Key", () => {
  it("gets the first one's answer, and nothing is done a second time", async () => {
    const { send, registry } = await createTestApp();
    const first = await send("POST", "/v1/datasets", CSV, upload("monday"));
    const again = await send("POST", "/v1/datasets", CSV, upload('"monday"'));
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(first.headers.get("idempotent-replayed")).toBeNull();
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(await again.text()).toBe(await first.text());
    const { entries } = await registry.listAudit(alpha);
    expect(entries.filter(({ action }) => action === "upload_dataset")).toHaveLength(1);
  });

  it("to another server of the same store gets it too, with its Location", async () => {
    const store = await openObjectStore("memory:");
    const one = await createTestApp({ registry: createRegistry({ store }) });
    const { id } = (await (await one.send("POST", "/v1/datasets", CSV, upload("data"))).json()) as {
      id: string;
    };
    const other = await createTestApp({ registry: createRegistry({ store }) });
    const train = { name: "router", datasetId: id };
    const options = { headers: { "Idempotency-Key": "train" } };
    const first = await one.send("POST", "/v1/adapters", train, options);
    const again = await other.send("POST", "/v1/adapters", train, { ...options, key: other.keys.alpha });
    expect([again.status, again.headers.get("location")]).toEqual([202, first.headers.get("location")]);
    expect(await other.jobs.get("alpha", "job-1")).toBeUndefined();
  });

  it("and another body, path or query is refused with 422", async () => {
    const { send } = await createTestApp();
    await send("POST", "/v1/datasets", CSV, upload("monday"));
    for (const [path, body] of [
      ["/v1/datasets", `${CSV}e good,yes\n`],
      ["/v1/datasets?textColumn=text", CSV],
    ] as const) {
      const response = await send("POST", path, body, upload("monday"));
      expect(response.status).toBe(422);
      expect(await response.json()).toMatchObject({ code: "idempotency_key_reused" });
    }
  });

  it("while the first is being done is asked to wait", async () => {
    const { send, registry } = await createTestApp();
    const arrived = Promise.withResolvers<void>();
    const mayGoOn = Promise.withResolvers<void>();
    const putDataset = registry.putDataset.bind(registry);
    registry.putDataset = async (...args) => {
      arrived.resolve();
      await mayGoOn.promise;
      return putDataset(...args);
    };
    const first = send("POST", "/v1/datasets", CSV, upload("monday"));
    await arrived.promise;
    const early = await send("POST", "/v1/datasets", CSV, upload("monday"));
    expect([early.status, early.headers.get("retry-after")]).toEqual([409, "1"]);
    mayGoOn.resolve();
    expect((await first).status).toBe(201);
  });

  it("after a refusal, which changed nothing, is done as if it were the first", async () => {
    const { send } = await createTestApp();
    expect((await send("POST", "/v1/datasets", "text\na\n", upload("monday"))).status).toBe(400);
    expect((await send("POST", "/v1/datasets", CSV, upload("monday"))).status).toBe(201);
  });

  it("gets a secret again with the same API key alone, and the store holds none", async () => {
    const store = await openObjectStore("memory:");
    const { send, registry } = await createTestApp({ registry: createRegistry({ store }) });
    const options = { headers: { "Idempotency-Key": "monday" } };
    const body = { scopes: ["read"] };
    const { secret } = (await (await send("POST", "/v1/keys", body, options)).json()) as { secret: string };
    expect(await (await send("POST", "/v1/keys", body, options)).json()).toMatchObject({ secret });
    const key = await createKey(registry, "alpha");
    expect((await send("POST", "/v1/keys", body, { ...options, key })).status).toBe(422);
    for (const name of (await store.list({ prefix: "" })).keys) {
      expect(new TextDecoder().decode((await store.get(name))?.bytes)).not.toContain(secret);
    }
  });
});

describe("every route that takes an Idempotency-Key", () => {
  const routes = Object.entries(operations).flatMap(([route, operation]) => {
    const [method = "", path = ""] = route.split(" ");
    return takesKey({ method, path, operation }) ? [path] : [];
  });

  it.each(routes)("POST %s looks at it", async (path) => {
    const { send } = await createTestApp();
    const options = { headers: { "Idempotency-Key": "a".repeat(201) } };
    const response = await send(
      "POST",
      path.replace(":version", "1").replaceAll(/:\w+/g, "none"),
      {},
      options,
    );
    expect(response.status).toBe(400);
    // In whichever form the route's clients read errors.
    expect(await response.text()).toContain("Idempotency-Key: must be");
  });
});
