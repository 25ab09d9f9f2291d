// What `npm run build` makes, run where nothing of this repository is beside it.
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it, onTestFinished, vi } from "vitest";
import { startSoftgate, urlOf } from "../cli/test-process.ts";
import { buildSoftgate } from "../infra/bundle/build-softgate.ts";
import { makeTickets } from "./helpers/tickets.ts";
import { writeTinyBackbone } from "./helpers/tiny-backbone.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

it("a server of it trains and classifies: threads, the trainings' process and the job database's are found", async () => {
  const place = await mkdtemp(join(tmpdir(), "softgate-built-"));
  onTestFinished(() => rm(place, { recursive: true, force: true }));
  const { main } = await buildSoftgate({ root, folder: join(place, "softgate") });
  await writeTinyBackbone(join(place, "tiny"));
  const env = {
    SOFTGATE_CACHE: join(place, "cache"),
    NODE_COMPILE_CACHE: "",
    SOFTGATE_DATA: join(place, "data"),
    SOFTGATE_STORE: `file:${join(place, "store")}`,
  };
  const created = await promisify(execFile)(process.execPath, [main, "keys", "create", "--json"], {
    env: { ...process.env, ...env },
  });
  const { secret } = JSON.parse(created.stdout);
  // What Node compiled, for the next start.
  expect(await readdir(join(place, "cache/compiled"))).toHaveLength(1);
  const serve = ["serve", "--port", "0", "--threads", "1", "--backbone", join(place, "tiny")];
  const server = startSoftgate(serve, env, main);
  onTestFinished(() => void server.child.kill("SIGKILL"));
  const url = await urlOf(server, 30_000);
  const call = async (path: string, init: RequestInit = {}) => {
    const headers = { Authorization: `Bearer ${secret}`, ...init.headers };
    const response = await fetch(`${url}/v1/${path}`, { ...init, headers });
    // biome-ignore lint/suspicious/noExplicitAny: what is not there is undefined, and fails the test
    return { status: response.status, body: (await response.json()) as any };
  };
  const post = (path: string, body: unknown) =>
    call(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  const form = new FormData();
  form.set("file", new Blob([makeTickets({ seed: 1 }).csv]), "tickets.csv");
  const dataset = await call("datasets", { method: "POST", body: form });
  expect(dataset).toMatchObject({ status: 201 });
  const options = { method: "spt", epochs: 1 };
  const job = await post("adapters", { name: "tickets", datasetId: dataset.body.id, options });
  expect(job).toMatchObject({ status: 202 });
  const ended = await vi.waitUntil(
    async () => {
      const { body } = await call(`jobs/${job.body.jobId}`);
      return /succeeded|failed/.test(body.state) && body;
    },
    { timeout: 60_000, interval: 100 },
  );
  expect(ended).toMatchObject({ state: "succeeded" });
  const inputs = ["I was charged twice"];
  expect(await post("classify", { adapterId: "tickets", inputs })).toMatchObject({
    status: 200,
    body: { version: 1, predictions: [{ label: expect.any(String) }] },
  });
  server.child.kill("SIGTERM");
  expect(await server.ended).toEqual([0, null]);
}, 120_000);
