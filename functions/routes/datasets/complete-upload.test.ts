// Large files by URL, over HTTP and against a real S3 server: begun here, sent to the server, completed here.
import { createHash } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { createRegistry, type ObjectStore, openObjectStore } from "#registry";
import { findVersitygw, startVersitygw, type TestS3 } from "../../../test/helpers/versitygw.ts";
import { alpha, createTestApp, type TestApp } from "../../test-app.ts";

const program = await findVersitygw();
const CSV = `text,label\n${["a", "b", "c", "d"].map((text) => `${text} good,yes\n${text} bad,no\n`).join("")}`;

const describeFile = (content: string, fileName = "tickets.csv") => ({
  fileName,
  bytes: Buffer.byteLength(content),
  digest: `sha256:${createHash("sha256").update(content).digest("hex")}`,
});

interface Begun {
  readonly datasetId: string;
  readonly upload: { readonly url: string; readonly headers: Record<string, string> };
}

describe.skipIf(program === undefined)("a file that is sent by URL", () => {
  let server: TestS3;
  let store: ObjectStore;
  let test: TestApp;
  let prefixes = 0;

  beforeAll(async () => {
    server = await startVersitygw(program ?? "", ["uploads"]);
  }, 30_000);
  beforeEach(async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", server.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", server.secretAccessKey);
    prefixes += 1;
    store = await openObjectStore(`s3://uploads/${prefixes}?endpoint=${server.endpoint}&region=us-east-1`);
    test = await createTestApp({ registry: createRegistry({ store }) });
  });
  afterEach(() => store.close());
  afterAll(() => server?.stop());

  async function begin(content: string, more: object = {}): Promise<Begun> {
    const response = await test.send("POST", "/v1/datasets/uploads", { ...describeFile(content), ...more });
    expect(response.status).toBe(201);
    return (await response.json()) as Begun;
  }

  async function sendFile({ upload }: Begun, content: string): Promise<number> {
    return (await fetch(upload.url, { method: "PUT", headers: upload.headers, body: content })).status;
  }

  const complete = (id: string, key = test.keys.alpha) =>
    test.send("POST", `/v1/datasets/${id}/complete`, undefined, { key });

  it("becomes a dataset that can be trained on, and completing it again answers the same", async () => {
    const begun = await begin(CSV);
    expect(await sendFile(begun, CSV)).toBe(200);
    const response = await complete(begun.datasetId);
    expect(response.status).toBe(200);
    const told = { id: begun.datasetId, rows: 8, labels: ["no", "yes"] };
    expect(await response.json()).toMatchObject(told);
    expect(await (await complete(begun.datasetId)).json()).toMatchObject(told);
    const train = await test.send("POST", "/v1/adapters", { name: "tickets", datasetId: begun.datasetId });
    expect(train.status).toBe(202);
    const stored = await test.registry.getDataset(alpha, begun.datasetId);
    expect(new TextDecoder().decode(stored.content)).toBe(CSV);
    expect(stored).toMatchObject({ fileName: "tickets.csv", columns: { text: "text", label: "label" } });
  });

  it("is read by the columns that were named when it was begun", async () => {
    const csv = CSV.replace("text,label", "frage,klasse");
    const begun = await begin(csv, { textColumn: "frage", labelColumn: "klasse" });
    await sendFile(begun, csv);
    expect(await (await complete(begun.datasetId)).json()).toMatchObject({
      columns: { text: "frage", label: "klasse" },
    });
  });

  it("and is no dataset is refused with row and column, and the upload forgotten", async () => {
    const csv = `${CSV}again good,\n`;
    const begun = await begin(csv);
    await sendFile(begun, csv);
    const response = await complete(begun.datasetId);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: "invalid_dataset",
      errors: [{ file: "tickets.csv", row: 10, column: "label" }],
    });
    expect((await complete(begun.datasetId)).status).toBe(404);
  });

  it("is not completed before it is there, nor by another tenant, and can be sent until then", async () => {
    const begun = await begin(CSV);
    const early = await complete(begun.datasetId);
    expect([early.status, ((await early.json()) as { code: string }).code]).toEqual([
      409,
      "upload_incomplete",
    ]);
    await sendFile(begun, CSV);
    const others = await complete(begun.datasetId, test.keys.beta);
    const missing = await complete(`ds_${"0".repeat(32)}`, test.keys.beta);
    expect([others.status, missing.status]).toEqual([404, 404]);
    expect((await complete(begun.datasetId)).status).toBe(200);
  });

  it("of more than the tenant may have is refused before it is sent", async () => {
    await test.registry.setTenantLimits(alpha, { bytes: Buffer.byteLength(CSV) + 1 });
    await begin(CSV);
    const second = await test.send("POST", "/v1/datasets/uploads", describeFile(CSV));
    expect(second.status).toBe(409);
    expect(await second.json()).toMatchObject({ code: "quota_exceeded" });
  });
});

describe("a URL for a file", () => {
  it("is refused where the store has none, with the way that there is", async () => {
    const { send } = await createTestApp();
    const response = await send("POST", "/v1/datasets/uploads", describeFile(CSV));
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({
      code: "direct_upload_unsupported",
      detail: expect.stringContaining("POST /v1/datasets"),
    });
  });

  it.each([
    ["another ending", describeFile(CSV, "tickets.xlsx"), 415],
    ["no digest", { ...describeFile(CSV), digest: "md5:1" }, 400],
    ["half a byte", { ...describeFile(CSV), bytes: 0.5 }, 400],
    ["a member that there is not", { ...describeFile(CSV), url: "https://other" }, 400],
  ])("for a file with %s is refused", async (_, body, status) => {
    const { send } = await createTestApp();
    expect((await send("POST", "/v1/datasets/uploads", body)).status).toBe(status);
  });
});
