import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { alpha, createTestApp } from "../../test-app.ts";

const CSV = `text,label\n${["a", "b", "c", "d"].map((text) => `${text} good,yes\n${text} bad,no\n`).join("")}`;

async function train(query: string, body: NonNullable<RequestInit["body"]> = CSV, type = "text/csv") {
  const test = await createTestApp();
  const response = await test.app.request(`/v1/adapters${query}`, {
    method: "POST",
    headers: { Authorization: `Bearer ${test.keys.alpha}`, ...(type !== "" && { "Content-Type": type }) },
    body,
  });
  return { ...test, response };
}

describe("202", () => {
  it("a file becomes a dataset, and a job that trains on it, in one request", async () => {
    const options = encodeURIComponent('{"epochs":3}');
    const { response, jobs, registry } = await train(`?name=tickets&options=${options}`);
    expect(response.status).toBe(202);
    expect(response.headers.get("location")).toBe("/v1/jobs/job-1");
    const body = (await response.json()) as { jobId: string; datasetId: string };
    expect(body).toMatchObject({ jobId: "job-1", rows: 8, labels: ["no", "yes"] });
    expect(await jobs.get("alpha", "job-1")).toMatchObject({
      adapterName: "tickets",
      datasetId: body.datasetId,
      options: { epochs: 3 },
    });
    expect((await registry.getDataset(alpha, body.datasetId)).rows).toBe(8);
  });

  it("takes what POST /v1/datasets takes: TSV, JSON lines, Parquet, a form, and columns by name", async () => {
    const lines = ["a", "b", "c", "d"].flatMap((text) => [
      JSON.stringify({ text: `${text} good`, label: "yes" }),
      JSON.stringify({ text: `${text} bad`, label: "no" }),
    ]);
    const parquet = readFileSync(
      new URL("../../../test/fixtures/parquet/class-label.parquet", import.meta.url),
    );
    const form = new FormData();
    form.set("file", new File([CSV], "tickets.csv"));
    for (const [query, body, type] of [
      ["", CSV.replaceAll(",", "\t"), "text/tab-separated-values"],
      ["", lines.join("\n"), "application/x-ndjson"],
      ["", new Uint8Array(parquet), "application/vnd.apache.parquet"],
      ["", form, ""],
      ["&textColumn=frage", CSV.replace("text,", "frage,"), "text/csv"],
    ] as const) {
      const { response } = await train(`?name=tickets${query}`, body, type);
      expect([type, response.status]).toEqual([type, 202]);
    }
  });
});

describe("400", () => {
  it.each([
    ["no name", "", "invalid_request"],
    ["a name with a slash", "?name=..%2Fx", "invalid_name"],
    ["options that are no JSON", "?name=a&options=x", "invalid_options"],
    ["an option out of range", "?name=a&options=%7B%22epochs%22:0%7D", "invalid_options"],
  ])("%s is refused before the file is read, and nothing is kept", async (_, query, code) => {
    let pulled = 0;
    const body = new ReadableStream(
      { pull: (controller) => controller.enqueue(new Uint8Array(++pulled)) },
      { highWaterMark: 0 },
    );
    const test = await createTestApp();
    const response = await test.app.request(`/v1/adapters${query}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${test.keys.alpha}`, "Content-Type": "text/csv" },
      body,
      duplex: "half",
    } as RequestInit);
    expect([response.status, pulled]).toEqual([400, 0]);
    expect(await response.json()).toMatchObject({ code });
  });

  it("a file that cannot be learned from is refused with its row, and no job is made", async () => {
    const { response, jobs, registry } = await train("?name=tickets", `${CSV},no\n`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: "invalid_dataset",
      errors: [{ row: 10, column: "text" }],
    });
    expect(await jobs.get("alpha", "job-1")).toBeUndefined();
    expect((await registry.getUsage(alpha)).bytes.used).toBe(0);
  });
});
