import { createServer, type IncomingMessage, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { findVersitygw, startVersitygw, type TestS3 } from "../../test/helpers/versitygw.ts";
import { describeObjectStore } from "./contract.ts";
import type { ObjectStore } from "./object-store.ts";
import { openObjectStore } from "./open.ts";

const BUCKET = "test-bucket";
const program = await findVersitygw();

/** What the proxy does to the next PUTs instead of, or after, passing them on. */
type Fault = "lose the reply" | "conflict" | "ignore conditions" | "unavailable";

describe.skipIf(program === undefined)("a real S3 server", () => {
  let server: TestS3;
  let proxy: FaultyProxy;

  beforeAll(async () => {
    server = await startVersitygw(program ?? "", [BUCKET]);
    proxy = await FaultyProxy.start(server.endpoint);
  }, 30_000);
  beforeEach(() => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", server.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", server.secretAccessKey);
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  const open = (endpoint = server.endpoint, bucket = BUCKET) =>
    openObjectStore(`s3://${bucket}/a/prefix?endpoint=${endpoint}&region=us-east-1`);

  describeObjectStore("s3 (versitygw)", async () => {
    const [store, other] = await Promise.all([open(), open()]);
    return { store, other, dispose: async () => void (await Promise.all([store.close(), other.close()])) };
  });

  it("keeps two prefixes of one bucket apart", async () => {
    const neighbour = await openObjectStore(`s3://${BUCKET}/another?endpoint=${server.endpoint}`);
    await (await open()).put("apart/a", encode("1"));
    expect(await neighbour.get("apart/a")).toBeUndefined();
    expect((await neighbour.list({ prefix: "" })).keys).toEqual([]);
  });

  it("a write whose reply was lost is known as stored, and one that lost the race is not", async () => {
    const store = await open(proxy.url);
    proxy.faults.push("lose the reply");
    expect(await store.put("lost/a", encode("ours"), { ifNoneMatch: "*" })).toMatchObject({ stored: true });
    proxy.faults.push("lose the reply");
    expect(await store.put("lost/a", encode("late"), { ifNoneMatch: "*" })).toEqual({ stored: false });
    const current = await store.get("lost/a");
    proxy.faults.push("lose the reply");
    const swap = await store.put("lost/a", encode("next"), { ifMatch: current?.etag ?? "" });
    expect(swap).toMatchObject({ stored: true });
  });

  it("a conflict with a write in progress is tried again, and counts as lost when it stays", async () => {
    const store = await open(proxy.url);
    proxy.faults.push("conflict");
    expect(await store.put("conflict/a", encode("1"), { ifNoneMatch: "*" })).toMatchObject({ stored: true });
    proxy.faults.push("conflict", "conflict", "conflict", "conflict");
    expect(await store.put("conflict/b", encode("1"), { ifNoneMatch: "*" })).toEqual({ stored: false });
    expect(proxy.faults).toEqual([]);
  });

  it("a server that is busy for a moment is asked again", async () => {
    const store = await open(proxy.url);
    proxy.faults.push("unavailable");
    expect(await store.put("busy/a", encode("1"))).toMatchObject({ stored: true });
  });

  it("a server that ignores conditions is refused by check", async () => {
    const store = await open(proxy.url);
    proxy.faults.push(...Array<Fault>(4).fill("ignore conditions"));
    await expect(store.check()).rejects.toMatchObject({ code: "store_unsuitable" });
    proxy.faults.length = 0;
  });

  it("a wrong bucket and a wrong secret are refused with what to do, and name no credential", async () => {
    await expect((await open(server.endpoint, "no-such-bucket")).check()).rejects.toMatchObject({
      code: "store_refused",
      publicMessage: expect.stringContaining("create it"),
    });
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "hunter2secret");
    const error = await checkError(await open());
    expect(error).toMatchObject({
      code: "store_refused",
      publicMessage: expect.stringContaining("secret key"),
    });
    for (const credential of ["hunter2secret", server.accessKeyId]) {
      expect(`${error} ${JSON.stringify(error)} ${(error as Error).cause}`).not.toContain(credential);
    }
  });

  it("an endpoint where nobody listens is unreachable, and the message names it", async () => {
    await expect((await open("http://127.0.0.1:9")).check()).rejects.toMatchObject({
      code: "store_unreachable",
      publicMessage: expect.stringContaining("http://127.0.0.1:9 does not answer (ECONNREFUSED)"),
    });
  });
});

async function checkError(store: ObjectStore): Promise<unknown> {
  return store.check().then(
    () => undefined,
    (error: unknown) => error,
  );
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Passes requests on as they are, signature and all, except for the faults of the next PUTs. */
class FaultyProxy {
  readonly faults: Fault[] = [];
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server, target: string) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("request", (incoming, response) => {
      const fault = incoming.method === "PUT" ? this.faults.shift() : undefined;
      if (fault === "conflict")
        return void response.writeHead(409).end(xmlError("ConditionalRequestConflict"));
      if (fault === "unavailable") return void response.writeHead(503).end(xmlError("SlowDown"));
      if (fault === "ignore conditions") return void response.writeHead(200, { ETag: '"same"' }).end();
      pass(incoming, target, (answer) => {
        if (fault === "lose the reply") return void incoming.socket.destroy();
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
    });
  }

  static async start(target: string): Promise<FaultyProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new FaultyProxy(server, target);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function pass(incoming: IncomingMessage, target: string, reply: (answer: IncomingMessage) => void): void {
  const { method, headers, url } = incoming;
  const outgoing = request(
    target + (url ?? ""),
    { ...(method && { method }), headers, setHost: false },
    reply,
  );
  incoming.pipe(outgoing);
}

function xmlError(code: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>test</Message></Error>`;
}
