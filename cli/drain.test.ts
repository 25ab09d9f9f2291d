// A real server told to end while requests are under way: they are answered, nobody else is, and it ends in time.
import { mkdtemp, rm } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { publishTickets } from "../test/helpers/published-tickets.ts";
import { type SoftgateProcess, startSoftgate, urlOf } from "./test-process.ts";

const SERVE_MS_MAX = 60_000;
/** What functions/listen.ts gives requests under way, and as much again for the rest. */
const END_MS_MAX = 20_000;
/** process-io.ts takes signals within a second for one. */
const NEXT_SIGNAL_MS = 1_100;
const SOON = { timeout: 10_000, interval: 20 };
const BODY = JSON.stringify({ adapterId: "tickets", inputs: ["my card was charged twice"] });

let folder: string;
let backbone: string;
let storeUrl: string;
let key: string;
const started: SoftgateProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-drain-"));
  backbone = join(folder, "tiny");
  storeUrl = `file:${join(folder, "store")}`;
  key = await publishTickets({ storeUrl, backboneFolder: backbone });
});
afterAll(async () => {
  for (const { child } of started) child.kill("SIGKILL");
  await rm(folder, { recursive: true });
});

async function serve(...args: string[]) {
  const server = startSoftgate(
    ["serve", "--port", "0", "--store", storeUrl, "--backbone", backbone, ...args],
    { SOFTGATE_CACHE: join(folder, "cache") },
  );
  started.push(server);
  return { ...server, url: await urlOf(server, SERVE_MS_MAX) };
}

const headers = () => ({ Authorization: `Bearer ${key}`, "Content-Type": "application/json" });

/** A request whose body is half sent: the server has its head, and waits. */
async function beginClassify(url: string) {
  const outgoing = request(`${url}/v1/classify`, {
    method: "POST",
    headers: { ...headers(), "Content-Length": BODY.length, Expect: "100-continue" },
  });
  const status = new Promise<number | undefined>((resolve, reject) => {
    outgoing.on("response", (response: IncomingMessage) => {
      response.resume();
      resolve(response.statusCode);
    });
    outgoing.on("error", reject);
  });
  const begun = new Promise<void>((resolve) => outgoing.once("continue", resolve));
  outgoing.flushHeaders();
  await begun;
  outgoing.write(BODY.slice(0, 10));
  return { status, finish: () => outgoing.end(BODY.slice(10)) };
}

async function isRefused(url: string): Promise<boolean> {
  return fetch(`${url}/livez`).then(
    () => false,
    () => true,
  );
}

it(
  "SIGTERM: new connections are refused, requests under way are answered, and it ends with 0 in time",
  async () => {
    const { url, child, ended } = await serve();
    const slow = await Promise.all([1, 2, 3].map(() => beginClassify(url)));
    const atMs = performance.now();
    child.kill("SIGTERM");
    await vi.waitUntil(() => isRefused(url), SOON);
    for (const { finish } of slow) finish();
    expect(await Promise.all(slow.map(({ status }) => status))).toEqual([200, 200, 200]);
    expect(await ended).toEqual([0, null]);
    expect(performance.now() - atMs).toBeLessThan(END_MS_MAX);
  },
  2 * SERVE_MS_MAX,
);

it(
  "with --drain-delay it is not ready at once, answers all else meanwhile, then closes as without",
  async () => {
    const { url, child, ended, stderr } = await serve("--drain-delay", "3");
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    const atMs = performance.now();
    child.kill("SIGTERM");
    const ready = await vi.waitUntil(async () => {
      const response = await fetch(`${url}/readyz`);
      return response.status === 503 && response;
    }, SOON);
    expect(ready.headers.get("connection")).toBe("close");
    expect(await ready.json()).toMatchObject({ code: "server_stopping" });
    const answer = await fetch(`${url}/v1/classify`, { method: "POST", headers: headers(), body: BODY });
    expect(answer.status).toBe(200);
    expect(await ended).toEqual([0, null]);
    expect(performance.now() - atMs).toBeGreaterThan(2_900);
    expect(await isRefused(url)).toBe(true);
    expect(stderr()).toMatch(/"event":"stopping","drainDelayMs":3000.*"event":"stopped"/s);
  },
  2 * SERVE_MS_MAX,
);

it(
  "a second signal ends it at once, whatever is under way",
  async () => {
    const { url, child, ended } = await serve("--drain-delay", "600");
    const { status } = await beginClassify(url);
    const cutOff = expect(status).rejects.toThrow();
    child.kill("SIGTERM");
    // Signals are not answers: nothing tells that this second is over.
    await setTimeout(NEXT_SIGNAL_MS);
    child.kill("SIGTERM");
    expect(await ended).toEqual([143, null]);
    await cutOff;
  },
  2 * SERVE_MS_MAX,
);
