// A function with DATABASE_URL: trainings are handed over by Postgres, a real one, to trainers that are elsewhere.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LambdaContext, LambdaEvent } from "hono/aws-lambda";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { readLambdaEvent } from "../test/helpers/lambda-event.ts";
import { postgresFolder, startPostgres, type TestPostgres } from "../test/helpers/postgres.ts";
import { publishTickets } from "../test/helpers/published-tickets.ts";

describe.skipIf(postgresFolder === undefined)("a function beside Postgres", () => {
  let folder: string;
  let postgres: TestPostgres;
  let key: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "softgate-lambda-jobs-"));
    postgres = await startPostgres(postgresFolder ?? "");
    const storeUrl = `file:${join(folder, "store")}`;
    key = await publishTickets({ storeUrl, backboneFolder: join(folder, "tiny") });
    Object.assign(process.env, {
      SOFTGATE_STORE: storeUrl,
      SOFTGATE_BACKBONE: join(folder, "tiny"),
      SOFTGATE_CACHE: join(folder, "cache"),
      DATABASE_URL: postgres.url,
    });
  });
  afterAll(async () => {
    await postgres?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("takes a training, which waits there for a trainer", async () => {
    vi.spyOn(process.stdout, "write").mockReturnValue(true);
    const { handler } = await import("./entry-lambda.ts");
    const send = async (
      path: string,
      { body, type = "application/json" }: { body: string; type?: string },
    ) => {
      const event = await readLambdaEvent("load-balancer", { key, body });
      const headers = { ...event.headers, "content-type": type };
      const { statusCode, body: text } = await handler(
        { ...event, headers, path } as LambdaEvent,
        {} as LambdaContext,
      );
      return { statusCode, json: JSON.parse(text) };
    };
    const rows = Array.from({ length: 8 }, (_, index) => `text ${index},${index % 2 ? "odd" : "even"}\n`);
    const dataset = await send("/v1/datasets", { body: `text,label\n${rows.join("")}`, type: "text/csv" });
    const body = JSON.stringify({ name: "more", datasetId: dataset.json.id });
    const { statusCode, json } = await send("/v1/adapters", { body });
    expect(statusCode).toBe(202);
    const event = await readLambdaEvent("load-balancer", { key, body: "" });
    const path = `/v1/jobs/${json.jobId ?? json.id}`;
    const job = await handler(
      { ...event, httpMethod: "GET", body: null, path } as LambdaEvent,
      {} as LambdaContext,
    );
    expect(JSON.parse(job.body)).toMatchObject({ state: "queued", adapterName: "more" });
  });
});
