// The TypeScript client in a page of a real browser, of another origin than the server's: what the page may ask, and what it
// may read of the answers, is as the server's CORS setting has it.
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { OverloadError } from "#model";
import { createRegistry, openObjectStore } from "#registry";
import type { JobEvent } from "#trainer/job";
import { type Listener, listen } from "../../functions/listen.ts";
import { alpha, createTestApp, FakeJobs, fakeClassifier, publishAdapter } from "../../functions/test-app.ts";
import { findChromium, startChromium } from "../helpers/chromium.ts";
import { findVersitygw, startVersitygw } from "../helpers/versitygw.ts";

const [executable, versitygw] = await Promise.all([findChromium(), findVersitygw()]);
/** Not this machine's name to a browser: no secure context, as a page of an intranet is none. */
const HOST = "page.test";
const BROWSER_MS_MAX = 60_000;

describe.skipIf(executable === undefined)("the client in a browser", { timeout: BROWSER_MS_MAX }, () => {
  let browser: Browser;
  let pages: Listener;
  let origin: string;
  beforeAll(async () => {
    const html = `<!doctype html><title>page</title><script>${bundlePage()}</script>`;
    const answer = () => new Response(html, { headers: { "Content-Type": "text/html" } });
    pages = await listen(answer, { host: "127.0.0.1", port: 0 });
    origin = pages.url.replace("127.0.0.1", HOST);
    browser = await startChromium(executable ?? "", [HOST]);
  });
  afterAll(async () => {
    await browser?.close();
    await pages?.close();
  });

  /** What a function of browser-page.ts answers in a page of the origin. */
  async function inPage(
    name: "callAll" | "callOnce" | "uploadLarge",
    { url, key }: Pick<TestServer, "url" | "key">,
  ): Promise<unknown> {
    const page = await browser.newPage();
    try {
      await page.goto(origin);
      return await page.evaluate(`page.${name}(${JSON.stringify({ url, key })})`);
    } catch (error) {
      // Without the stack: it is of the page's lines, which no file here has.
      throw new Error(`the page failed: ${String(error).split("\n")[0]}`);
    } finally {
      await page.close();
    }
  }

  it("classifies, batches, uploads a Blob, waits as Retry-After says, follows a job over a broken connection, and reads headers", async () => {
    // What carries the answers tells there of the connection that breaks off.
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const refusals = [new OverloadError("classifier_overloaded", "Full.", { retryAfterMs: 7_000 })];
    const server = await startServer({ corsOrigins: [origin], refusals });
    try {
      expect(await inPage("callAll", server)).toEqual({
        classified: [1, "no"],
        waitsOfRefusal: [7_000],
        batched: ["no", "no", "adapter_not_found"],
        lines: 300,
        names: ["intents", "router"],
        missing: { status: 404, code: "adapter_not_found", requestId: expect.stringMatching(/^request-/) },
        headers: expect.arrayContaining(["etag", "ratelimit", "ratelimit-policy", "x-request-id"]),
        rows: 12,
        told: ["queued", "running", 0.5, "succeeded"].map((what, index) => [index + 1, what]),
        isSecure: false,
      });
      expect(server.lastEventIds).toEqual([null, "2"]);
    } finally {
      await server.close();
    }
  });

  it.skipIf(versitygw === undefined)(
    "uploads a file too large for a request straight into a store that lets its origin in",
    async () => {
      vi.stubEnv("VGW_CORS_ALLOW_ORIGIN", origin);
      const s3 = await startVersitygw(versitygw ?? "", ["page"]);
      vi.stubEnv("AWS_ACCESS_KEY_ID", s3.accessKeyId);
      vi.stubEnv("AWS_SECRET_ACCESS_KEY", s3.secretAccessKey);
      const store = await openObjectStore(`s3://page/a?endpoint=${s3.endpoint}&region=us-east-1`);
      const test = await createTestApp(
        { registry: createRegistry({ store }) },
        { corsOrigins: [origin], bodyBytesMax: 4_096 },
      );
      const server = await listen(test.app.fetch, { host: "127.0.0.1", port: 0 });
      try {
        expect(await inPage("uploadLarge", { url: server.url, key: test.keys.alpha })).toBe(400);
      } finally {
        await server.close();
        await store.close();
        await s3.stop();
      }
    },
  );

  it("is not let in from an origin that the server does not name", async () => {
    const server = await startServer({ corsOrigins: ["https://app.example.com"] });
    try {
      expect(await inPage("callOnce", server)).toBe("TypeError: Failed to fetch");
      expect(server.asked).toEqual(["OPTIONS /v1/classify"]);
    } finally {
      await server.close();
    }
  });
});

/** For the browser: esbuild refuses what is Node's. */
function bundlePage(): string {
  const entry = fileURLToPath(new URL("browser-page.ts", import.meta.url));
  const { outputFiles } = buildSync({
    ...{ entryPoints: [entry], bundle: true, write: false, platform: "browser" },
    ...{ format: "iife", globalName: "page", target: "es2024" },
  });
  return outputFiles[0]?.text ?? "";
}

type TestServer = Awaited<ReturnType<typeof startServer>>;

/**
 * The app, with a job that goes on once the page has `seen` it run, and asked for it; then, too, its first stream of events
 * breaks off. Refusals come before answers of the classifier.
 */
async function startServer(options: { corsOrigins: readonly string[]; refusals?: OverloadError[] }) {
  const { corsOrigins, refusals = [] } = options;
  const seen = Promise.withResolvers<void>();
  const jobs = new FakeJobs();
  jobs.events = async (_tenant, _id, { after = 0 } = {}) => eventsOf(after, seen.promise);
  const classify: typeof fakeClassifier.classify = async (...given) => {
    const refusal = refusals.shift();
    if (refusal) throw refusal;
    return fakeClassifier.classify(...given);
  };
  const test = await createTestApp({ jobs, classifier: { ...fakeClassifier, classify } }, { corsOrigins });
  for (const name of ["router", "intents"]) await publishAdapter(test.registry, { name });
  await test.registry.setTenantLimits(alpha, { requestsPerMinute: 1_000 });
  const [lastEventIds, asked]: [(string | null)[], string[]] = [[], []];
  const answer = async (request: Request) => {
    const { pathname } = new URL(request.url);
    asked.push(`${request.method} ${pathname}`);
    const response = await test.app.fetch(request);
    if (request.method !== "GET" || !pathname.startsWith("/v1/jobs/")) return response;
    if (!pathname.endsWith("/events")) seen.resolve();
    else if (lastEventIds.push(request.headers.get("last-event-id")) === 1)
      return brokenOff(response, seen.promise);
    return response;
  };
  const { url, close } = await listen(answer, { host: "127.0.0.1", port: 0 });
  return { url, close, key: test.keys.alpha, lastEventIds, asked };
}

/** Of a job's life, those after a number. */
async function* eventsOf(after: number, seen: Promise<void>): AsyncGenerator<JobEvent> {
  const state = { type: "state", attempt: 1 } as const;
  const events: JobEvent["data"][] = [
    { ...state, state: "queued", cause: "submitted" },
    { ...state, state: "running", cause: "taken" },
    { type: "progress", phase: "tune", progress: 0.5 },
    { ...state, state: "succeeded", cause: "done" },
  ];
  for (const [index, data] of events.entries()) {
    if (index === 2) await seen;
    if (index >= after) yield { seq: index + 1, at: "2026-01-01T00:00:00.000Z", data };
  }
}

/** What comes of a body until then; it has no end that a reader could take for one. */
function brokenOff(response: Response, until: Promise<void>): Response {
  const reader = response.body?.getReader();
  const cut = until.then(() => undefined);
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const read = await Promise.race([reader?.read(), cut]);
      if (read?.value) return controller.enqueue(read.value);
      await reader?.cancel();
      controller.error(new Error("the connection broke off"));
    },
  });
  return new Response(body, response);
}
