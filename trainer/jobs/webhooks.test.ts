// Over real connections, to receivers on this machine; messages are verified by the library that receivers use.
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { WEBHOOK_EVENTS } from "../job.ts";
import type { OpenedJobs } from "./open-jobs.ts";
import { isPublic, postJson, requirePublicUrl } from "./post-webhook.ts";
import { RETRIES_MAX } from "./queue.ts";
import { databases, submission, type TestDatabase } from "./test-jobs.ts";
import { WEBHOOKS_PER_TENANT_MAX } from "./webhooks.ts";

interface Received {
  readonly path: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

let server: Server;
let url: string;
let received: Received[];
/** Statuses of the next answers; then 200. */
let statuses: number[];

beforeEach(async () => {
  received = [];
  statuses = [];
  server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    received.push({ path: request.url, headers: request.headers, body });
    const status = statuses.shift() ?? 200;
    response.writeHead(status, status === 302 ? { Location: `${url}/elsewhere` } : {}).end("thanks");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

describe.each(databases)("webhooks, $name", ({ isThere, start }) => {
  let test: TestDatabase;
  let lines: Record<string, unknown>[];
  const opened: OpenedJobs[] = [];

  beforeAll(async () => {
    if (isThere) test = await start();
  });
  afterEach(async () => {
    for (const jobs of opened.splice(0)) await jobs.close();
  });
  afterAll(async () => {
    if (isThere) await test.close();
  });

  const open = async (options: { allowsPrivateWebhooks?: boolean } = {}) => {
    lines = [];
    const log = (event: Record<string, unknown>) => void lines.push(event);
    const jobs = await test.open({ allowsPrivateWebhooks: true, webhookRetrySeconds: 1, log, ...options });
    opened.push(jobs);
    return jobs;
  };
  const all = { events: WEBHOOK_EVENTS };
  const untilReceived = (count: number) =>
    vi.waitUntil(() => received.length >= count, { timeout: 20_000, interval: 20 });

  it.skipIf(!isThere)(
    "tell the end of a job once, signed so that a receiver's library accepts it",
    async () => {
      const { store, webhooks } = await open();
      const { secret } = await webhooks.create("alpha", { url: `${url}/hook`, ...all });
      await webhooks.create("beta", { url: `${url}/others`, ...all });
      await webhooks.create("alpha", { url: `${url}/failures`, events: ["job.failed"] });
      const { id } = await store.submit("alpha", submission());
      await store.cancel("alpha", id);
      await untilReceived(1);
      const [message] = received;
      expect(message?.path).toBe("/hook");
      const headers = message?.headers as Record<string, string>;
      expect(new Webhook(secret).verify(message?.body ?? "", headers)).toMatchObject({
        type: "job.cancelled",
        data: { id, state: "cancelled", adapterName: "router" },
      });
      expect(() => new Webhook("whsec_c2VjcmV0").verify(message?.body ?? "", headers)).toThrow();
      await vi.waitUntil(() => lines.some(({ event }) => event === "webhook_sent"));
      expect(lines).toMatchObject([{ event: "webhook_sent", jobId: id, attempt: 1, status: 200 }]);
      expect(received).toHaveLength(1);
      expect(JSON.stringify(lines)).not.toContain(url);
    },
  );

  it.skipIf(!isThere)("tell a failure as it was, of a job that was retried before it was taken", async () => {
    const { store, webhooks, attempts, schema } = await open();
    await webhooks.create("alpha", { url, events: ["job.failed"] });
    statuses = [500];
    const { id } = await store.submit("alpha", submission());
    for (let failures = 0; failures <= RETRIES_MAX; failures += 1) {
      await test.database.query(
        `UPDATE ${schema}_boss.job SET start_after = now() WHERE name = 'train';
         UPDATE ${schema}.jobs SET ready_at = clock_timestamp()`,
      );
      const attempt = await attempts.take(1);
      if (attempt) await attempts.retry(attempt, { code: "training_failed", message: "It broke." });
    }
    await store.retry("alpha", id);
    await untilReceived(2);
    for (const { body } of received)
      expect(JSON.parse(body)).toMatchObject({
        type: "job.failed",
        data: { id, state: "failed", attempt: RETRIES_MAX + 1, error: { code: "training_failed" } },
      });
  });

  it.skipIf(!isThere)(
    "are sent again, under the same id, until they are taken; no redirect is followed",
    async () => {
      const { store, webhooks } = await open();
      await webhooks.create("alpha", { url, ...all });
      statuses = [500, 302];
      const { id } = await store.submit("alpha", submission());
      await store.cancel("alpha", id);
      await untilReceived(3);
      expect(new Set(received.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
      expect(received.map(({ path }) => path)).toEqual(["/", "/", "/"]);
      expect(lines).toContainEqual(
        expect.objectContaining({ event: "webhook_refused", reason: "It answered 500.", attempt: 1 }),
      );
    },
  );

  it.skipIf(!isThere)(
    "are not sent to this machine unless the server allows it, whatever a name resolves to",
    async () => {
      const { store, webhooks } = await open({ allowsPrivateWebhooks: false });
      const refusal = { code: "webhook_url_refused" };
      for (const refused of [
        url,
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://192.168.0.1/",
        "ftp://example.com",
      ]) {
        await expect(webhooks.create("alpha", { url: refused, ...all })).rejects.toMatchObject(refusal);
      }
      await webhooks.create("alpha", { url: url.replace("http://127.0.0.1", "https://localhost"), ...all });
      const { id } = await store.submit("alpha", submission());
      await store.cancel("alpha", id);
      await vi.waitUntil(() => lines.some(({ event }) => event === "webhook_refused"), { timeout: 20_000 });
      expect(lines).toContainEqual(
        expect.objectContaining({ reason: "The webhook's address is none of the public network." }),
      );
      expect(received).toEqual([]);
    },
  );

  it.skipIf(!isThere)(
    "are the tenant's own, so many and no more, and none is told once it is removed",
    async () => {
      const { store, webhooks } = await open();
      const ids: string[] = [];
      for (let count = 0; count < WEBHOOKS_PER_TENANT_MAX; count += 1) {
        ids.push((await webhooks.create("alpha", { url, ...all })).id);
      }
      await expect(webhooks.create("alpha", { url, ...all })).rejects.toMatchObject({
        code: "webhook_limit",
      });
      expect((await webhooks.list("alpha")).map(({ id }) => id)).toEqual(ids);
      expect(JSON.stringify(await webhooks.list("alpha"))).not.toContain("whsec_");
      expect(await webhooks.list("beta")).toEqual([]);
      expect(await webhooks.remove("beta", ids[0] ?? "")).toBe(false);
      expect(await webhooks.remove("alpha", "no id")).toBe(false);
      for (const id of ids.slice(1)) expect(await webhooks.remove("alpha", id)).toBe(true);
      const { id } = await store.submit("alpha", submission());
      await store.cancel("alpha", id);
      await untilReceived(1);
      expect(received).toHaveLength(1);
    },
  );
});

it("why a receiver cannot be reached is told without its name, which a tenant has chosen", async () => {
  server.closeAllConnections();
  server.close();
  const post = (given: string) => postJson(given, { body: "{}", headers: {}, allowsPrivate: true });
  await expect(post(url)).rejects.toThrow(/^The webhook could not be reached: ECONNREFUSED\.$/);
  await expect(post("https://chosen-by-a-tenant.invalid/")).rejects.toThrow(/reached: E[A-Z_]+\.$/);
});

describe("an address", () => {
  it.each([
    [
      "127.0.0.1",
      "10.1.2.3",
      "172.16.0.1",
      "192.168.1.1",
      "169.254.169.254",
      "100.64.0.1",
      "0.0.0.0",
      "224.0.0.1",
    ],
    [
      "::1",
      "::",
      "fe80::1",
      "fc00::1",
      "fd00:ec2::254",
      "::ffff:127.0.0.1",
      "::ffff:10.0.0.1",
      "64:ff9b::a00:1",
    ],
  ])("of no public network is none: %s and the like", (...addresses) => {
    for (const address of addresses) expect(isPublic(address), address).toBe(false);
  });

  it.each(["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111"])("%s is public", (address) => {
    expect(isPublic(address)).toBe(true);
  });

  it.each([
    "https://127.1/",
    "https://0x7f000001/",
    "https://2130706433/",
    "https://[::ffff:7f00:1]/",
    "https://u:p@example.com/",
  ])("written as %s is refused as well", async (refused) => {
    expect(() => requirePublicUrl(refused, false)).toThrow();
    const options = { body: "{}", headers: {}, allowsPrivate: false };
    if (!refused.includes("@")) await expect(postJson(refused, options)).rejects.toThrow("public");
  });
});
