// The gateway in workerd itself, before two real servers on a tiny made-up backbone, all over one bucket.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseBackbone } from "#model";
import { createRegistry, openObjectStore, parseTenantId, type Registry } from "#registry";
import { type SoftgateProcess, startSoftgate, urlOf } from "../cli/test-process.ts";
import { freePort } from "./helpers/free-port.ts";
import { type LocalWorker, startLocalWorker, WITHOUT_CONTAINERS } from "./helpers/local-worker.ts";
import { publishAdapterOn } from "./helpers/publish-adapter.ts";
import { makeRandomAdapter } from "./helpers/random-adapter.ts";
import { makeTinyBackbone, writeTinyBackbone } from "./helpers/tiny-backbone.ts";

const START_MS_MAX = 60_000;
const REQUESTS_PER_PERIOD = 300;
const ADAPTERS = ["one", "two", "three", "four", "five"];

let folder: string;
let worker: LocalWorker;
let registry: Registry;
let ports: number[];
let keys: Record<"alpha" | "beta" | "greedy", string>;
const servers: SoftgateProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-gateway-"));
  ports = [await freePort(), await freePort()];
  worker = await startLocalWorker("infra/wrangler.jsonc", {
    vars: {
      ORIGIN_URLS: ports.map((port) => `http://127.0.0.1:${port}`).join(","),
      LIST_CACHE_SECONDS: "60",
    },
    overrides: {
      ...WITHOUT_CONTAINERS,
      ratelimits: [
        { name: "RATE_LIMITER", namespace_id: "1", simple: { limit: REQUESTS_PER_PERIOD, period: 60 } },
      ],
    },
  });
  const store = await openObjectStore(worker.storeUrl);
  registry = createRegistry({ store });
  keys = {
    alpha: await createKey("alpha"),
    beta: await createKey("beta"),
    greedy: await createKey("greedy"),
  };
  await writeTinyBackbone(join(folder, "tiny"));
  const backbone = parseBackbone("tiny", makeTinyBackbone());
  for (const [seed, name] of ADAPTERS.entries()) {
    const adapter = makeRandomAdapter({ width: backbone.config.width, seed, classes: 3, generators: [] });
    await publishAdapterOn(backbone, registry, { tenant: parseTenantId("alpha"), name, adapter });
  }
  return () => store.close();
});
afterAll(async () => {
  for (const { child } of servers) child.kill("SIGKILL");
  await worker?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function createKey(tenant: string): Promise<string> {
  return (await registry.createKey(parseTenantId(tenant), "test")).secret;
}

async function startServer(port: number): Promise<SoftgateProcess> {
  const args = [
    "serve",
    "--store",
    worker.storeUrl,
    "--port",
    String(port),
    "--backbone",
    join(folder, "tiny"),
  ];
  const server = startSoftgate([...args, "--threads", "1"], {
    SOFTGATE_CACHE: join(folder, `cache-${port}`),
  });
  servers.push(server);
  await urlOf(server, START_MS_MAX);
  return server;
}

function send(path: string, { key = keys.alpha, body }: { key?: string; body?: unknown } = {}) {
  return worker.harness.fetch(path, {
    method: body === undefined ? "GET" : "POST",
    headers: {
      Authorization: `Bearer ${key}`,
      ...(body !== undefined && { "Content-Type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

const classify = (adapterId: string) =>
  send("/v1/classify", { body: { adapterId, inputs: ["good morning"] } });

async function codeOf(response: { status: number; json(): Promise<unknown> }) {
  return [response.status, ((await response.json()) as { code?: string }).code];
}

describe("without a server", () => {
  it("a key that is none is refused, and whatever needs a server is told that there is none", async () => {
    expect(await codeOf(await send("/v1/adapters", { key: "sg_none" }))).toEqual([401, "unauthenticated"]);
    expect(await codeOf(await classify("one"))).toEqual([502, "origin_unreachable"]);
    expect(await codeOf(await send("/v1/jobs/none"))).toEqual([502, "origin_unreachable"]);
  });

  it("what the registry knows is answered out of the bucket", async () => {
    const list = await send("/v1/adapters/one/versions");
    expect(await list.json()).toMatchObject({ versions: [{ version: 1 }] });
    expect((await send("/v1/usage")).status).toBe(200);
    expect(await codeOf(await send("/v1/adapters/none/versions"))).toEqual([404, "adapter_not_found"]);
  });

  it("a list is kept for the key it was made for, and for no other", async () => {
    const ask = async (key?: string) => {
      const response = await send("/v1/adapters?limit=2", key === undefined ? {} : { key });
      const { adapters } = (await response.json()) as { adapters: unknown[] };
      return [response.headers.get("softgate-cache"), adapters.length];
    };
    expect(await ask()).toEqual(["miss", 2]);
    expect(await ask()).toEqual(["hit", 2]);
    expect(await ask(keys.beta)).toEqual(["miss", 0]);
  });

  it("a tenant that sends more than it may is told to wait, and no other", async () => {
    const statuses = new Set<number>();
    // Longer than a period takes, as one may end meanwhile.
    for (let sent = 0; sent <= 3 * REQUESTS_PER_PERIOD && !statuses.has(429); sent += 50) {
      const answers = Array.from({ length: 50 }, () => send("/v1/adapters", { key: keys.greedy }));
      for (const { status } of await Promise.all(answers)) statuses.add(status);
    }
    expect([...statuses]).toEqual([200, 429]);
    const refused = await send("/v1/adapters", { key: keys.greedy });
    expect(refused.headers.get("retry-after")).toBe("10");
    expect(await codeOf(refused)).toEqual([429, "request_rate_exceeded"]);
    expect((await send("/v1/usage")).status).toBe(200);
  });
});

describe("with two servers", () => {
  beforeAll(async () => {
    await Promise.all(ports.map(startServer));
  }, START_MS_MAX);

  it("an answer is the server's own, under the request's id", async () => {
    const response = await worker.harness.fetch("/v1/classify", {
      method: "POST",
      headers: {
        Authorization: `Bearer ${keys.alpha}`,
        "Content-Type": "application/json",
        "X-Request-Id": "client-7",
      },
      body: JSON.stringify({ adapterId: "one", inputs: "good morning" }),
    });
    expect([response.status, response.headers.get("x-request-id")]).toEqual([200, "client-7"]);
    expect(await response.json()).toMatchObject({ adapterId: "one", version: 1, predictions: [{}] });
    expect(await codeOf(await classify("none"))).toEqual([404, "adapter_not_found"]);
  });

  it("one that is killed under load loses no request that may be sent again", async () => {
    const [first] = servers;
    const statuses: number[] = [];
    let sent = 0;
    const sendOn = async () => {
      while (sent < 200) {
        const { status } = await classify(ADAPTERS[sent++ % ADAPTERS.length] ?? "");
        statuses.push(status);
        if (statuses.length === 60) first?.child.kill("SIGKILL");
      }
    };
    await Promise.all(Array.from({ length: 8 }, sendOn));
    await first?.ended;
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    expect(statuses).toHaveLength(200);
  });
});

describe("a setting that is wrong", () => {
  it("fails the start, in a sentence that names it", async () => {
    const start = startLocalWorker("infra/wrangler.jsonc", {
      vars: { ORIGIN_URLS: "https://one.example,ftp://two.example" },
      overrides: WITHOUT_CONTAINERS,
    });
    await expect(start).rejects.toThrow("ORIGIN_URLS: Give http or https addresses");
  });
});
