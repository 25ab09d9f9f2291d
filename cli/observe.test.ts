// What a real server tells of the six steps: its log, its traces sent to a collector, its metrics. And what it
// never tells: texts, keys, names that a caller wrote.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from "../test/helpers/otlp-receiver.ts";
import { makeTickets } from "../test/helpers/tickets.ts";
import { writeTinyBackbone } from "../test/helpers/tiny-backbone.ts";
import { softgate } from "./test-io.ts";
import { type SoftgateProcess, startSoftgate, urlOf } from "./test-process.ts";

const SERVE_MS_MAX = 60_000;
const TRAIN_MS_MAX = 120_000;
const CANARY = "canaryxq";
const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const [uploadSpan, createSpan, classifySpan] = ["00f067aa0ba902b7", "00f067aa0ba902b8", "00f067aa0ba902b9"];

let folder: string;
let receiver: OtlpReceiver;
let server: SoftgateProcess;
let key: string;
let metrics: string;
let jobId: string;
let digest: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-observe-"));
  const backbone = join(folder, "tiny");
  await writeTinyBackbone(backbone);
  receiver = await startOtlpReceiver();
  const storeUrl = `file:${join(folder, "store")}`;
  key = (await softgate(["keys", "create", "--tenant", "acme", "--store", storeUrl])).stdout.trim();
  server = startSoftgate(
    [
      ...["serve", "--port", "0", "--metrics-port", "0", "--store", storeUrl, "--backbone", backbone],
      ...["--log-level", "debug"],
    ],
    { SOFTGATE_CACHE: join(folder, "cache"), OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url },
  );
  const url = await urlOf(server, SERVE_MS_MAX);
  await takeTheSixSteps(url);
  await sayCanaries(url);
  const metricsUrl = await vi.waitUntil(() => /Metrics at (\S+)\./.exec(server.stdout())?.[1]);
  metrics = await (await fetch(metricsUrl)).text();
  server.child.kill("SIGTERM");
  expect(await server.ended).toEqual([0, null]);
}, SERVE_MS_MAX + TRAIN_MS_MAX);
afterAll(async () => {
  server?.child.kill("SIGKILL");
  await receiver?.close();
  await rm(folder, { recursive: true });
});

function send(url: string, body: string | object, headers: Record<string, string> = {}) {
  const isText = typeof body === "string";
  return fetch(url, {
    method: "POST",
    headers: {
      Authorization: `Bearer ${key}`,
      "Content-Type": isText ? "text/csv" : "application/json",
      ...headers,
    },
    body: isText ? body : JSON.stringify(body),
  });
}

const of = (spanId: string, requestId: string) => ({
  traceparent: `00-${traceId}-${spanId}-01`,
  "X-Request-Id": requestId,
});

async function takeTheSixSteps(url: string): Promise<void> {
  const tickets = makeTickets({ seed: 1, rowsPerLabel: 12 });
  const csv = `${tickets.csv.trimEnd()}\n${CANARY} please,${tickets.labels[0]}\n`;
  const uploaded = await send(`${url}/v1/datasets`, csv, of(uploadSpan, "upload-1"));
  expect(uploaded.status).toBe(201);
  const { id: datasetId } = (await uploaded.json()) as { id: string };
  const request = { name: "tickets", datasetId, options: { epochs: 1 } };
  const created = await send(`${url}/v1/adapters`, request, of(createSpan, "create-1"));
  expect(created.status).toBe(202);
  ({ jobId } = (await created.json()) as { jobId: string });
  const headers = { Authorization: `Bearer ${key}` };
  const state = async () =>
    ((await (await fetch(`${url}/v1/jobs/${jobId}`, { headers })).json()) as { state: string }).state;
  await vi.waitUntil(async () => (await state()) === "succeeded", { timeout: TRAIN_MS_MAX, interval: 50 });
  const inputs = [`my card, ${CANARY}`, "it crashes"];
  const classified = await send(
    `${url}/v1/classify`,
    { adapterId: "tickets", inputs },
    of(classifySpan, "classify-1"),
  );
  expect(classified.status).toBe(200);
  ({ digest } = (await classified.json()) as { digest: string });
}

/** Wherever a caller can write something, in requests that fail. */
async function sayCanaries(url: string): Promise<void> {
  const statuses = [
    await send(`${url}/v1/classify`, { adapterId: CANARY, inputs: CANARY }),
    await send(`${url}/v1/classify`, { adapterId: "tickets", inputs: [CANARY], [CANARY]: CANARY }),
    await send(`${url}/v1/classify`, `{"${CANARY}`, { "Content-Type": "application/json" }),
    await send(`${url}/v1/datasets`, `text,label\n${CANARY},\n${CANARY},${CANARY}\n`),
    await send(`${url}/v1/${CANARY}?key=${key}`, {}),
    await send(`${url}/v1/classify`, {}, { Authorization: `Bearer sg_${CANARY}` }),
    await send(`${url}/v1/classify`, {}, { traceparent: CANARY, "X-Request-Id": `<${CANARY}>` }),
  ].map(({ status }) => status);
  expect(statuses).toEqual([404, 400, 400, 400, 404, 401, 400]);
}

const lines = () =>
  server
    .stderr()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

it("each line of the log is one JSON object; those of a request or a job carry its request id", () => {
  const ofRequests = lines().filter(
    ({ event }) => !["backbone_prepared", "started", "stopping", "stopped"].includes(String(event)),
  );
  expect(ofRequests.length).toBeGreaterThan(10);
  for (const line of ofRequests)
    expect(line).toMatchObject({ requestId: expect.any(String), level: expect.any(String) });
  expect(ofRequests).toContainEqual(
    expect.objectContaining({
      ...{
        event: "request",
        requestId: "classify-1",
        traceId,
        tenant: "acme",
        route: "/v1/classify",
        status: 200,
      },
      ...{ durationMs: expect.any(Number), adapterDigest: digest },
    }),
  );
  const job = { jobId, requestId: "create-1", traceId, tenant: "acme" };
  expect(ofRequests).toContainEqual(expect.objectContaining({ event: "job_started", ...job }));
  expect(ofRequests).toContainEqual(
    expect.objectContaining({ event: "job_succeeded", adapterDigest: digest, ...job }),
  );
});

it("the six steps are spans of the traces that their requests named, the job's among them", () => {
  const named = (name: string) =>
    receiver.spans.find((span) => span.name === name && span.traceId === traceId);
  const parentOf = (span: ReceivedSpan | undefined) =>
    receiver.spans.find(({ spanId }) => spanId === span?.parentSpanId)?.name ?? span?.parentSpanId;
  expect(
    [
      "POST /v1/datasets",
      "upload",
      "dataset",
      "POST /v1/adapters",
      "train",
      "publish",
      "POST /v1/classify",
    ].map((name) => parentOf(named(name))),
  ).toEqual([
    ...[uploadSpan, "POST /v1/datasets", "upload", createSpan],
    ...["POST /v1/adapters", "POST /v1/adapters", classifySpan],
  ]);
  expect(["resolve", "classify"].map((name) => parentOf(named(name)))).toEqual(
    Array(2).fill("POST /v1/classify"),
  );
  // No "load": this server published the version, and had loaded it before an alias led to it.
  const phases = ["tokenize", "queue wait", "forward pass"].map(named);
  expect(phases.map(parentOf)).toEqual(Array(3).fill("classify"));
  expect(parentOf(named("embed"))).toBe("train");
  for (const span of phases)
    expect(span?.endTimeUnixNano).toBeGreaterThanOrEqual(span?.startTimeUnixNano ?? 0n);
  expect(named("classify")?.attributes).toEqual({ "softgate.texts": 2, "softgate.adapter_digest": digest });
  expect(named("train")?.attributes).toMatchObject({
    "softgate.job_id": jobId,
    "softgate.request_id": "create-1",
  });
  expect(receiver.resources[0]).toMatchObject({ "service.name": "softgate" });
});

it("metrics have a histogram of each step and phase, and no label that grows with tenants or adapters", () => {
  for (const step of ["upload", "dataset", "train", "publish", "resolve", "classify"]) {
    expect(metrics).toMatch(
      new RegExp(`^softgate_step_seconds_count\\{step="${step}",outcome="done"\\} [1-9]`, "m"),
    );
  }
  for (const phase of ["tokenize", "queue_wait", "forward_pass"]) {
    expect(metrics).toMatch(
      new RegExp(`^softgate_phase_seconds_count\\{step="classify",phase="${phase}"\\} [1-9]`, "m"),
    );
  }
  for (const name of [
    "nodejs_eventloop_lag_seconds",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
  ]) {
    expect(metrics).toMatch(new RegExp(`^${name} `, "m"));
  }
  for (const grows of ["acme", "tickets", digest]) expect(metrics).not.toContain(grows);
});

it("nothing that was told holds a text, a key, or a word that a caller wrote", () => {
  for (const told of [server.stderr(), server.stdout(), metrics, ...receiver.bodies]) {
    for (const secret of [CANARY, key]) expect(told).not.toContain(secret);
  }
});
