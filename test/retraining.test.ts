// From feedback to production, as a tenant takes it with the TypeScript client: real server, real jobs, real trainings in a
// child process on a tiny made-up backbone.
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { createSoftgate, type Softgate } from "../clients/typescript/index.ts";
import { makeTickets } from "./helpers/tickets.ts";
import { startTinyServer, type TinyServer } from "./helpers/tiny-server.ts";

const TRAININGS_MS_MAX = 180_000;
const WAITING = { timeout: 10_000, interval: 50 };
/** What is learned here is not the point, but that it is compared. */
const options = { seed: 7, method: "spt", epochs: 1 } as const;

let server: TinyServer;
let softgate: Softgate;
beforeAll(async () => {
  server = await startTinyServer();
  softgate = createSoftgate({ url: server.url, key: server.key });
});
afterAll(() => server?.close());

it(
  "what feedback corrects is learned by a candidate, compared on the same held-out rows, shadowed, and promoted",
  async () => {
    const tickets = makeTickets({ seed: 1, rowsPerLabel: 8 });
    const file = new Blob([tickets.csv]);
    const { id: datasetId } = await softgate.uploadDataset(file, { fileName: "tickets.csv" });
    await succeed((await softgate.trainAdapter({ name: "tickets", datasetId, options })).jobId);

    const added = makeTickets({ seed: 2, rowsPerLabel: 4 }).rows;
    const [corrected] = tickets.rows;
    if (!corrected) throw new Error("invariant: there are rows");
    const other = tickets.labels.find((label) => label !== corrected.label) ?? "";
    const answered = await softgate.classify({ adapterId: "tickets", inputs: [corrected.text], topK: 1 });
    const was = answered.predictions[0];
    expect(answered.version).toBe(1);
    for (const { text, label } of added) await softgate.giveFeedback("tickets", { text, label });
    await softgate.giveFeedback("tickets", {
      ...{ text: corrected.text, label: other, version: 1 },
      answered: { label: was?.label ?? "", score: was?.score ?? 0 },
    });

    const retraining = await softgate.retrainAdapter("tickets", { options });
    expect(retraining).toMatchObject({
      ...{ version: 1, rows: tickets.rows.length + added.length },
      feedback: { added: added.length + 1, replaced: 1, known: 0, unfit: 0 },
    });
    expect(retraining.datasetId).not.toBe(datasetId);
    const job = await succeed(retraining.jobId);
    expect(job.adapter).toMatchObject({ name: "tickets", version: 2 });

    // Production stays where it is until somebody moves it.
    expect(await aliases()).toEqual({ candidate: 2, production: 1 });
    const figures = { accuracy: expect.any(Number), macroF1: expect.any(Number) };
    const { comparison, heldOut } = job.report as unknown as {
      comparison: { n: number; onFeedback: { n: number } };
      heldOut: { n: number };
    };
    expect(comparison).toMatchObject({ version: 1, candidate: figures, production: figures });
    expect(comparison.n).toBe(heldOut.n);
    expect(comparison.onFeedback.n).toBeGreaterThan(0);

    await softgate.setShadow("tickets", { alias: "candidate", share: 1 });
    const inputs = tickets.rows.slice(0, 8).map(({ text }) => text);
    const production = await softgate.classify({ adapterId: "tickets", inputs, topK: 1 });
    const candidate = await softgate.classify({ adapterId: "tickets@candidate", inputs, topK: 1 });
    expect([production.version, candidate.version]).toEqual([1, 2]);
    const labels = candidate.predictions.map(labelOf);
    const agreed = production.predictions.filter(({ label }, index) => label === labels[index]).length;
    const counts = await vi.waitUntil(async () => (await softgate.getShadow("tickets")).counts, WAITING);
    expect(counts).toMatchObject({ production: 1, shadow: 2, texts: inputs.length, agreed, failed: 0 });

    const path = "/v1/adapters/tickets/aliases/production";
    const body = JSON.stringify({ version: 2, why: "learned from feedback" });
    const headers = { "Content-Type": "application/json" };
    await softgate.request({ method: "PUT", path, body, headers, isRepeatable: true });
    expect(await aliases()).toEqual({ candidate: 2, production: 2 });
    const promoted = await softgate.classify({ adapterId: "tickets", inputs, topK: 1 });
    expect(promoted.version).toBe(2);
    expect(promoted.predictions.map(labelOf)).toEqual(labels);
  },
  TRAININGS_MS_MAX,
);

const labelOf = ({ label }: { label: string }) => label;

/** The job, once it has. */
async function succeed(jobId: string) {
  for await (const _ of softgate.followJob(jobId));
  const job = await softgate.getJob(jobId);
  expect(job).toMatchObject({ state: "succeeded" });
  return job;
}

async function aliases(): Promise<unknown> {
  const { value } = await softgate.listAdapters().next();
  return value && "aliases" in value ? value.aliases : undefined;
}
