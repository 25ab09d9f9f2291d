// Files that are too large for a request, by both clients, into a real S3 server: begun at a real Softgate, sent to the
// store, completed.
import { openAsBlob } from "node:fs";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { createRegistry, type ObjectStore, openObjectStore } from "#registry";
import { createSoftgate } from "../../clients/typescript/index.ts";
import { type Listener, listen } from "../../functions/listen.ts";
import { UPLOAD_BYTES_MAX } from "../../functions/middleware/limit-body.ts";
import { createTestApp, type TestApp } from "../../functions/test-app.ts";
import { findVersitygw, startVersitygw, type TestS3 } from "../helpers/versitygw.ts";
import { findClientsPython, runPython } from "./run-python.ts";

const PYTHON_MS_MAX = 180_000;
const LARGE_MS_MAX = 60_000;
const LARGE_ROWS = 3_600;
const program = await findVersitygw();

let folder: string;
let small: string;
let large: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-"));
  [small, large] = [join(folder, "small.csv"), join(folder, "large.csv")];
  const rowsOf = (count: number, text: string) =>
    Array.from({ length: count }, (_, row) => `${row} ${text},${row % 2 ? "yes" : "no"}\n`).join("");
  await writeFile(small, `text,label\n${rowsOf(200, "word ".repeat(10))}`);
  await writeFile(large, `text,label\n${rowsOf(LARGE_ROWS, "word ".repeat(3_900))}`);
  expect((await stat(large)).size).toBeGreaterThan(UPLOAD_BYTES_MAX);
});
afterAll(() => rm(folder, { recursive: true }));

interface Asked {
  readonly method: string;
  readonly path: string;
}

/** A server, and what is asked of it; so often it has other files to complete first. */
async function serve(test: TestApp, busy = 0): Promise<{ listener: Listener; asked: Asked[] }> {
  const asked: Asked[] = [];
  const headers = { "Retry-After": "5" };
  const refused = () =>
    Response.json({ code: "too_many_uploads", detail: "Later." }, { status: 429, headers });
  const answer = (request: Request) => {
    const path = new URL(request.url).pathname;
    asked.push({ method: request.method, path });
    const completions = asked.filter((other) => other.path.endsWith("/complete"));
    if (path.endsWith("/complete") && completions.length <= busy) return refused();
    return test.app.fetch(request);
  };
  return { listener: await listen(answer, { host: "127.0.0.1", port: 0 }), asked };
}

const byUrl = (id: string): Asked[] => [
  { method: "POST", path: "/v1/datasets/uploads" },
  { method: "POST", path: `/v1/datasets/${id}/complete` },
];
const inRequest: Asked = { method: "POST", path: "/v1/datasets" };

describe.skipIf(program === undefined)("a file too large for a request", { timeout: LARGE_MS_MAX }, () => {
  let s3: TestS3;
  let store: ObjectStore;
  let prefixes = 0;
  beforeAll(async () => {
    s3 = await startVersitygw(program ?? "", ["uploads"]);
  }, 30_000);
  afterAll(() => s3?.stop());
  beforeEach(async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", s3.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", s3.secretAccessKey);
    prefixes += 1;
    store = await openObjectStore(`s3://uploads/${prefixes}?endpoint=${s3.endpoint}&region=us-east-1`);
    return () => store.close();
  });
  const createApp = (bodyBytesMax?: number) =>
    createTestApp(
      { registry: createRegistry({ store }) },
      bodyBytesMax === undefined ? {} : { bodyBytesMax },
    );

  it("goes straight into the store from a Blob of a file, and a smaller one where the server is small", async () => {
    const test = await createApp();
    const { listener, asked } = await serve(test);
    const softgate = createSoftgate({ url: listener.url, key: test.keys.alpha });
    try {
      const told = await softgate.uploadDataset(await openAsBlob(large), { fileName: "large.csv" });
      expect(told).toMatchObject({ rows: LARGE_ROWS, labels: ["no", "yes"] });
      expect(asked).toEqual(byUrl(told.id));
    } finally {
      await listener.close();
    }
    const ofSmall = await createApp(4_096);
    const server = await serve(ofSmall);
    const client = createSoftgate({ url: server.listener.url, key: ofSmall.keys.alpha });
    try {
      const file = await openAsBlob(small, { type: "text/csv" });
      const columns = { textColumn: "text", labelColumn: "label" };
      const told = await client.uploadDataset(file, { fileName: "small.csv", ...columns });
      expect(told).toMatchObject({ rows: 200, columns: { text: "text", label: "label" } });
      expect(server.asked).toEqual([inRequest, ...byUrl(told.id)]);
    } finally {
      await server.listener.close();
    }
  });

  it("is sent again where the store has no room, and waits for its turn to be read", async () => {
    const test = await createApp(4_096);
    const { listener, asked } = await serve(test, 7);
    let sends = 0;
    const spoilt: typeof fetch = async (input, init) => {
      if (init?.method !== "PUT") return fetch(input, init);
      sends += 1;
      return sends === 1 ? new Response(null, { status: 503 }) : fetch(input, init);
    };
    const wait = async () => undefined;
    const options = { url: listener.url, key: test.keys.alpha, fetch: spoilt, retriesMax: 1, wait };
    try {
      const told = await createSoftgate(options).uploadDataset(await openAsBlob(small), {
        fileName: "a.csv",
      });
      expect([told.rows, sends]).toEqual([200, 2]);
      expect(asked.filter(({ path }) => path.endsWith("/complete"))).toHaveLength(8);
    } finally {
      await listener.close();
    }
  });

  it("that the store refuses is told with the store's reason, and not completed", async () => {
    const test = await createApp(4_096);
    const { listener, asked } = await serve(test);
    let [sentKey, sends]: [string | null, number] = [null, 0];
    const spoilt: typeof fetch = (input, init) => {
      if (init?.method !== "PUT") return fetch(input, init);
      sends += 1;
      sentKey = new Headers(init.headers).get("authorization");
      const other = (digit: string) => (digit === "0" ? "1" : "0");
      return fetch(String(input).replace(/(?<=X-Amz-Signature=)./, other), init);
    };
    const softgate = createSoftgate({ url: listener.url, key: test.keys.alpha, fetch: spoilt });
    try {
      const sent = softgate.uploadDataset(await openAsBlob(small), { fileName: "small.csv" });
      await expect(sent).rejects.toMatchObject({
        status: 403,
        message: expect.stringMatching(
          /The store at 127.0.0.1:\d+ did not take .*status 403, SignatureDoesNotMatch/,
        ),
      });
      expect([sentKey, sends]).toEqual([null, 1]);
      expect(asked.map(({ path }) => path)).toEqual(["/v1/datasets", "/v1/datasets/uploads"]);
    } finally {
      await listener.close();
    }
  });

  it(
    "goes there from Python by its path, too, and the key to the server alone",
    async ({ skip }) => {
      const python = await findClientsPython();
      if (!python) return skip("there is no Python to be had");
      const test = await createApp();
      const { listener, asked } = await serve(test);
      const ofSmall = await createApp(4_096);
      const server = await serve(ofSmall);
      try {
        const input = { url: listener.url, key: test.keys.alpha, path: large };
        const [told] = await runPython<{ id: string }>(python, "large_upload.py", input);
        expect(told).toMatchObject({ rows: LARGE_ROWS, labels: ["no", "yes"], keyed: ["POST", "POST"] });
        expect(asked).toEqual(byUrl(told?.id ?? ""));
        const other = { url: server.listener.url, key: ofSmall.keys.alpha, path: small };
        const [after] = await runPython<{ id: string }>(python, "large_upload.py", other);
        expect(after).toMatchObject({ rows: 200 });
        expect(server.asked).toEqual([inRequest, ...byUrl(after?.id ?? "")]);
        const [refused] = await runPython(python, "large_upload.py", { ...other, isSpoilt: true });
        expect(refused).toMatchObject({
          status: 403,
          detail: expect.stringContaining("SignatureDoesNotMatch"),
        });
      } finally {
        await listener.close();
        await server.listener.close();
      }
    },
    PYTHON_MS_MAX,
  );
});

it("is refused as the server says where its store takes none by URL", async () => {
  const test = await createTestApp({}, { bodyBytesMax: 4_096 });
  const { listener } = await serve(test);
  const softgate = createSoftgate({ url: listener.url, key: test.keys.alpha });
  try {
    const sent = softgate.uploadDataset(await openAsBlob(small), { fileName: "small.csv" });
    await expect(sent).rejects.toMatchObject({ code: "direct_upload_unsupported" });
  } finally {
    await listener.close();
  }
});
