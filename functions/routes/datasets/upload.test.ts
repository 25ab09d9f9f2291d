import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseTenantId } from "#registry";
import { UPLOAD_PLACES } from "../../middleware/limit-at-once.ts";
import { alpha, createTestApp } from "../../test-app.ts";

const CSV = `text,label\n${["a", "b", "c", "d"].map((text) => `${text} good,yes\n${text} bad,no\n`).join("")}`;

function form(content: string | Uint8Array<ArrayBuffer>, fileName: string, field = "file"): FormData {
  const data = new FormData();
  data.set(field, new File([content], fileName, { type: "application/octet-stream" }));
  return data;
}

async function upload(
  body: NonNullable<RequestInit["body"]>,
  headers: Record<string, string> = {},
  query = "",
) {
  const test = await createTestApp();
  const response = await test.app.request(`/v1/datasets${query}`, {
    method: "POST",
    headers: { Authorization: `Bearer ${test.keys.alpha}`, ...headers },
    body,
  });
  return { ...test, response };
}

describe("201", () => {
  it("keeps a CSV for the tenant and says what is in it", async () => {
    const { response, registry } = await upload(CSV, { "Content-Type": "text/csv; charset=utf-8" });
    expect(response.status).toBe(201);
    const body = (await response.json()) as { id: string };
    expect(body).toMatchObject({ rows: 8, labels: ["no", "yes"], warnings: expect.any(Array) });
    const stored = await registry.getDataset(alpha, body.id);
    expect(new TextDecoder().decode(stored.content)).toBe(CSV);
    expect(stored).toMatchObject({ fileName: "dataset.csv", mediaType: "text/csv", rows: 8 });
  });

  it("takes a multipart form, and keeps the file's name without its folders", async () => {
    const { response, registry } = await upload(form(CSV, "C:\\data\\tickets.csv"));
    expect(response.status).toBe(201);
    const { id } = (await response.json()) as { id: string };
    expect(await registry.getDataset(alpha, id)).toMatchObject({ fileName: "tickets.csv" });
  });

  it.each([
    [
      "its media type",
      (file: Uint8Array<ArrayBuffer>) => file,
      { "Content-Type": "application/vnd.apache.parquet" },
    ],
    ["the name of a form's file", (file: Uint8Array<ArrayBuffer>) => form(file, "reviews.parquet"), {}],
  ])("takes Parquet by %s", async (_, bodyOf, headers) => {
    const path = new URL("../../../test/fixtures/parquet/class-label.parquet", import.meta.url);
    const file = new Uint8Array(readFileSync(path));
    const { response, registry } = await upload(bodyOf(file), headers);
    expect(response.status).toBe(201);
    const body = (await response.json()) as { id: string };
    expect(body).toMatchObject({ rows: 8, labels: ["bad", "good"] });
    const stored = await registry.getDataset(alpha, body.id);
    expect(stored.mediaType).toBe("application/vnd.apache.parquet");
    expect(Buffer.compare(stored.content, file)).toBe(0);
  });

  it("reads the columns that the query names, and keeps their names for the training", async () => {
    const csv = CSV.replace("text,label", "frage,klasse");
    const query = "?textColumn=frage&labelColumn=klasse";
    const { response, registry } = await upload(csv, { "Content-Type": "text/csv" }, query);
    expect(response.status).toBe(201);
    const columns = { text: "frage", label: "klasse" };
    const body = (await response.json()) as { id: string };
    expect(body).toMatchObject({ rows: 8, columns });
    expect(await registry.getDataset(alpha, body.id)).toMatchObject({ columns });
  });

  it("takes NDJSON", async () => {
    const lines = CSV.trim()
      .split("\n")
      .slice(1)
      .map((line) => JSON.stringify({ text: line.split(",")[0], label: line.split(",")[1] }));
    const { response } = await upload(lines.join("\n"), { "Content-Type": "application/x-ndjson" });
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({ rows: 8, labels: ["no", "yes"] });
  });
});

describe("400", () => {
  it("says in which file, row and column a dataset is wrong", async () => {
    const { response } = await upload(form(CSV.replace("b bad,no", "b bad,"), "tickets.csv"));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: "invalid_dataset",
      errors: [{ file: "tickets.csv", row: 5, column: "label", detail: expect.any(String) }],
    });
  });

  it("names the columns there are when the query names another", async () => {
    const { response } = await upload(CSV, { "Content-Type": "text/csv" }, "?textPairColumn=answer");
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: "invalid_dataset",
      detail: expect.stringContaining(
        'no column "answer" to read as text_pair; the columns are "text", "label"',
      ),
    });
  });

  it.each(["?textColumn=", `?labelColumn=${"x".repeat(201)}`])("refuses %s", async (query) => {
    const { response } = await upload(CSV, { "Content-Type": "text/csv" }, query);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "invalid_request" });
  });

  it("names the field that a form must have", async () => {
    const { response } = await upload(form(CSV, "tickets.csv", "data"));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ detail: "The form has no file in its field file." });
  });

  it("refuses a form that breaks off", async () => {
    const { response } = await upload("--x\r\nContent-Disp", {
      "Content-Type": "multipart/form-data; boundary=x",
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "invalid_request" });
  });

  it("refuses an empty body", async () => {
    const { response } = await upload("", { "Content-Type": "text/csv" });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "invalid_dataset" });
  });
});

describe("415", () => {
  it.each([
    ["no media type", CSV, { "Content-Type": "" }],
    ["JSON", "{}", { "Content-Type": "application/json" }],
    ["CSV that is not UTF-8", CSV, { "Content-Type": "text/csv; charset=latin1" }],
  ])("%s is refused with the forms that are taken", async (_, body, headers) => {
    const { response } = await upload(body, headers);
    expect(response.status).toBe(415);
    expect(await response.json()).toMatchObject({ code: "unsupported_media_type" });
  });

  it("a form's file of another kind is refused", async () => {
    const { response } = await upload(form(CSV, "tickets.xlsx"));
    expect(response.status).toBe(415);
  });
});

describe("429", () => {
  it("more uploads at once than memory allows are asked to come again, and of one tenant fewer than all", async () => {
    const test = await createTestApp();
    const { secret: gamma } = await test.registry.createKey(parseTenantId("gamma"), "key of gamma");
    const cancels: (() => void)[] = [];
    const send = (key: string) => {
      const body = new ReadableStream({
        start: (controller) => void cancels.push(() => controller.error("gone")),
      });
      return test.app.request("/v1/datasets", {
        method: "POST",
        headers: { Authorization: `Bearer ${key}`, "Content-Type": "text/csv" },
        body,
        duplex: "half",
      } as RequestInit);
    };
    const { alpha: first, beta: second } = test.keys;
    const { most, ofTenantMost } = UPLOAD_PLACES;
    const waiting = Array.from({ length: ofTenantMost }, () => send(first));
    const beyondOwn = await send(first);
    expect(beyondOwn.status).toBe(429);
    expect(beyondOwn.headers.get("retry-after")).toBe("5");
    expect(beyondOwn.headers.get("ratelimit-policy")).toContain(`"uploads";q=${ofTenantMost}`);
    waiting.push(...Array.from({ length: most - ofTenantMost }, () => send(second)));
    const beyondAll = await send(gamma);
    expect(beyondAll.status).toBe(429);
    expect(beyondAll.headers.get("ratelimit-policy")).toContain(`"uploads";q=${most}`);
    for (const cancel of cancels) cancel();
    for (const response of await Promise.all(waiting)) expect(response.status).toBe(400);
    for (const key of [first, gamma]) {
      const again = send(key);
      cancels.at(-1)?.();
      expect((await again).status).toBe(400);
    }
  });
});
