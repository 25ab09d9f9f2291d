import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { FaultProxy, type NetworkFault } from "../../test/helpers/fault-proxy.ts";
import { findVersitygw, startVersitygw, type TestVersitygw } from "../../test/helpers/versitygw.ts";
import { describeObjectStore } from "./contract.ts";
import type { ObjectStore } from "./object-store.ts";
import { openObjectStore } from "./open.ts";

const BUCKET = "test-bucket";
const program = await findVersitygw();

describe.skipIf(program === undefined)("a real S3 server", () => {
  let server: TestVersitygw;
  let proxy: FaultProxy;
  /** Of the next requests of a method. */
  const faults: Record<string, NetworkFault[]> = { PUT: [], GET: [] };

  beforeAll(async () => {
    server = await startVersitygw(program ?? "", [BUCKET]);
    proxy = await FaultProxy.start(server.endpoint, ({ method }) => faults[method]?.shift());
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
    faults.PUT = ["reset after"];
    expect(await store.put("lost/a", encode("ours"), { ifNoneMatch: "*" })).toMatchObject({ stored: true });
    faults.PUT = ["reset after"];
    expect(await store.put("lost/a", encode("late"), { ifNoneMatch: "*" })).toEqual({ stored: false });
    const current = await store.get("lost/a");
    faults.PUT = ["reset after"];
    const swap = await store.put("lost/a", encode("next"), { ifMatch: current?.etag ?? "" });
    expect(swap).toMatchObject({ stored: true });
  });

  it("a write whose reply was lost and whose retry met a conflict is known as stored", async () => {
    const store = await open(proxy.url);
    faults.PUT = ["error after", "conflict"];
    expect(await store.put("both/a", encode("ours"), { ifNoneMatch: "*" })).toMatchObject({ stored: true });
  });

  it("a conflict with a write in progress is tried again, and is no lost race as long as nothing stands", async () => {
    const store = await open(proxy.url);
    const conflicts = Array<NetworkFault>(4).fill("conflict");
    faults.PUT = ["conflict"];
    expect(await store.put("conflict/a", encode("1"), { ifNoneMatch: "*" })).toMatchObject({ stored: true });
    const current = await store.get("conflict/a");
    faults.PUT = [...conflicts];
    expect(await store.put("conflict/a", encode("2"), { ifNoneMatch: "*" })).toEqual({ stored: false });
    const busy = { code: "store_unreachable", publicMessage: expect.stringContaining("busy") };
    faults.PUT = [...conflicts];
    await expect(store.put("conflict/b", encode("1"), { ifNoneMatch: "*" })).rejects.toMatchObject(busy);
    faults.PUT = [...conflicts];
    const swap = store.put("conflict/a", encode("2"), { ifMatch: current?.etag ?? "" });
    await expect(swap).rejects.toMatchObject(busy);
    expect(faults.PUT).toEqual([]);
  });

  it("a server that is busy for a moment is asked again", async () => {
    const store = await open(proxy.url);
    faults.PUT = ["slow down"];
    expect(await store.put("busy/a", encode("1"))).toMatchObject({ stored: true });
  });

  it("a server that takes no more writes of one object for now is given a second, and is no fault", async () => {
    const store = await open(proxy.url);
    // As often as the client asks by itself.
    faults.PUT = Array<NetworkFault>(3).fill("too many");
    expect(await store.put("often/a", encode("1"), { ifNoneMatch: "*" })).toMatchObject({ stored: true });
    expect(faults.PUT).toEqual([]);
  });

  it("an object that is cut off on its way is asked for again, and is never given in part", async () => {
    const store = await open(proxy.url);
    await store.put("cut/a", encode("whole"));
    faults.GET = ["cut reply", "cut reply"];
    expect(Buffer.from((await store.get("cut/a"))?.bytes ?? []).toString()).toBe("whole");
    faults.GET = Array<NetworkFault>(3).fill("cut reply");
    await expect(store.get("cut/a")).rejects.toMatchObject({ code: "store_unreachable" });
  });

  it("an answer that is cut off is the network's fault, whatever its status", async () => {
    const store = await open(proxy.url);
    for (const ask of [() => store.get("cut/none"), () => store.list({ prefix: "cut/" })]) {
      faults.GET = Array<NetworkFault>(3).fill("cut reply");
      await expect(ask()).rejects.toMatchObject({ code: "store_unreachable" });
    }
  });

  it("half of an upload is never an object", async () => {
    const store = await open(proxy.url);
    faults.PUT = Array<NetworkFault>(3).fill("cut request");
    await expect(store.put("cut/b", encode("never whole"))).rejects.toMatchObject({
      code: "store_unreachable",
    });
    expect(await store.get("cut/b")).toBeUndefined();
  });

  it("a server that ignores conditions is refused by check", async () => {
    // Takes every write, whatever the condition says.
    const careless = createServer((request, response) => {
      request.resume();
      response.writeHead(200, { ETag: '"same"' }).end(request.method === "GET" ? "<ListBucketResult/>" : "");
    });
    await new Promise<void>((resolve) => careless.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void careless.close());
    const { port } = careless.address() as AddressInfo;
    await expect((await open(`http://127.0.0.1:${port}`)).check()).rejects.toMatchObject({
      code: "store_unsuitable",
      publicMessage: expect.stringContaining("overwrites despite If-None-Match"),
    });
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

  it("a wrong region, an unknown key and a user without rights are each refused with what to set", async () => {
    const region = await openObjectStore(`s3://${BUCKET}?endpoint=${server.endpoint}&region=eu-west-3`);
    await expect(region.check()).rejects.toMatchObject({
      code: "store_refused",
      publicMessage: expect.stringMatching(/region= .*--store or SOFTGATE_STORE.*AWS_REGION/),
    });
    vi.stubEnv("AWS_ACCESS_KEY_ID", "nobody");
    await expect((await open()).check()).rejects.toMatchObject({
      code: "store_refused",
      publicMessage: expect.stringContaining("check AWS_ACCESS_KEY_ID"),
    });
    const credentials = { accessKeyId: "powerless", secretAccessKey: "powerless-secret" };
    await server.createUser(credentials);
    vi.stubEnv("AWS_ACCESS_KEY_ID", credentials.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", credentials.secretAccessKey);
    await expect((await open()).check()).rejects.toMatchObject({
      code: "store_refused",
      publicMessage: expect.stringMatching(/AccessDenied.*s3:PutObject/),
    });
  });

  it.each([
    [-1, "60 minutes behind"],
    [1, "60 minutes ahead of"],
  ])(
    "a clock that is %i hours off is refused, though the client would sign by the server's",
    async (hours, words) => {
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + hours * 3_600_000 });
      onTestFinished(() => void vi.useRealTimers());
      await expect((await open()).check()).rejects.toMatchObject({
        code: "store_refused",
        publicMessage: expect.stringMatching(new RegExp(`clock is ${words} .*: set it`)),
      });
    },
  );

  it.each([
    [200, "text/html", "<html><body>Welcome</body></html>"],
    [200, "application/json", "{}"],
    [301, "text/html", ""],
    [404, "text/html", "<html>Not here</html>"],
  ])("an endpoint that answers %i with %s does not speak S3, and endpoint= is named", async (...answer) => {
    const [status, type, body] = answer;
    const website = createServer((request, response) => {
      request.resume();
      response.writeHead(status, { "Content-Type": type }).end(body);
    });
    await new Promise<void>((resolve) => website.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void website.close());
    const { port } = website.address() as AddressInfo;
    await expect((await open(`http://127.0.0.1:${port}`)).check()).rejects.toMatchObject({
      code: expect.stringMatching(/^store_(unsuitable|refused)$/),
      publicMessage: expect.stringMatching(/speaks? S3: correct endpoint= in the store's URL/),
    });
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
