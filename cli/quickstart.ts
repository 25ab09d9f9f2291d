// npm run quickstart: the six steps on the bundled example, over HTTP, in one go. Then it keeps serving;
// with --exit it stops. Running it again trains a next version.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { parseTenantId } from "#registry";
import { DEFAULT_BACKBONE } from "#registry/backbones";
import { parseDataset } from "#trainer/dataset";
import { evaluateDataset } from "#trainer/evaluate";
import { describeInsertions } from "./describe-insertions.ts";
import { EXIT, failureOf } from "./errors.ts";
import { followJob } from "./follow-job.ts";
import type { Io } from "./io.ts";
import { withRegistry } from "./open-registry.ts";
import { percent } from "./output.ts";
import { createProcessIo } from "./process-io.ts";
import { megabytes } from "./progress-line.ts";
import { pull } from "./pull.ts";
import { type Api, createApi } from "./quickstart/api.ts";
import { startServer } from "./quickstart/start-server.ts";
import { byHand, curlLine, heading, NEW_TEXTS, nextSteps, step } from "./quickstart/texts.ts";

const STORE_URL = "file:.softgate/quickstart";
const ADAPTER = "support-tickets";
const EXAMPLE = new URL("../examples/support-tickets/", import.meta.url);

const io = createProcessIo();
try {
  const { exit, port } = parseFlags();
  await quickstart({ exit, port }, io);
} catch (error) {
  if (io.signal.aborted) process.exitCode = EXIT.interrupted;
  else {
    const failure = failureOf(error);
    io.stderr(`error: ${failure.error.message}\n`);
    if (io.env.SOFTGATE_DEBUG && error instanceof Error) io.stderr(`${error.stack}\n`);
    process.exitCode = failure.exitCode;
  }
}

async function quickstart({ exit, port }: { exit: boolean; port: number }, io: Io): Promise<void> {
  io.stdout(heading());
  const backbone = await pull(DEFAULT_BACKBONE, io);
  io.stdout(step(1, "backbone", [`${backbone.id}, ${megabytes(backbone.bytes)}, verified and frozen`]));
  const server = await startServer({ storeUrl: STORE_URL, port, backbone: backbone.folder }, io);
  try {
    const key = await createKey();
    io.stdout(step(2, "server", [`${server.url}, store ${STORE_URL}`]));
    await uploadTrainClassify(createApi(server.url, key), io);
    io.stdout(byHand(curlLine(server.url, key, { adapterId: ADAPTER, inputs: NEW_TEXTS.slice(0, 1) })));
    if (exit) return;
    io.stdout(nextSteps(server.url, key));
    if (!io.signal.aborted) await once(io.signal, "abort");
  } finally {
    await server.close();
  }
}

async function uploadTrainClassify(api: Api, io: Io): Promise<void> {
  const bytes = await readFile(new URL("train.csv", EXAMPLE));
  const { id: datasetId, rows, labels } = await api.upload({ bytes, name: "train.csv" });
  io.stdout(step(3, "upload", [`train.csv: ${rows} rows, ${labels.length} labels`]));

  const jobId = await api.train({ name: ADAPTER, datasetId });
  // It would go on when this command's server is started again.
  const { adapter, report } = await followJob(jobId, { io, read: api.job, cancel: api.cancel });
  if (!report) throw new Error(`invariant: ${jobId} has succeeded without a report`);
  const { validation, frozenProbe, seconds } = report;
  const heldOut =
    validation && `held-out rows: accuracy ${percent(validation.accuracy)} (${validation.n} rows)`;
  const probe = frozenProbe && `, frozen probe ${percent(frozenProbe.accuracy)}`;
  io.stdout(
    step(4, "train", [
      `${adapter.name}:${adapter.version} in ${seconds.toFixed(1)} s`,
      `selected insertions: ${describeInsertions(report)}`,
      ...(heldOut ? [`${heldOut}${probe ?? ""}`] : []),
    ]),
  );

  io.stdout(step(5, "evaluate", [await evaluateOverHttp(api, labels)]));

  const { predictions } = await api.classify({ adapterId: ADAPTER, inputs: NEW_TEXTS });
  const answers = predictions.map(
    ({ label, score }, index) => `${label} (${percent(score)}): ${NEW_TEXTS[index]}`,
  );
  io.stdout(step(6, "classify", answers));
}

async function evaluateOverHttp(api: Api, labels: readonly string[]): Promise<string> {
  const bytes = await readFile(new URL("test.csv", EXAMPLE));
  const file = { fileName: "test.csv", mediaType: "text/csv", forTraining: false } as const;
  const dataset = await parseDataset(bytes, file);
  const answer = async (inputs: readonly unknown[]) =>
    (await api.classify({ adapterId: ADAPTER, inputs })).predictions.map(({ label }) => label);
  const { accuracy, macroF1, n } = await evaluateDataset({ dataset, labels, answer });
  return `test.csv: accuracy ${percent(accuracy)}, macro-F1 ${percent(macroF1)} (${n} rows, none seen in training)`;
}

function createKey(): Promise<string> {
  return withRegistry(STORE_URL, async (registry) => {
    const { secret } = await registry.createKey(parseTenantId("default"), "made by npm run quickstart");
    return secret;
  });
}

function parseFlags(): { exit: boolean; port: number } {
  const { values } = parseArgs({
    options: { exit: { type: "boolean", default: false }, port: { type: "string", default: "8080" } },
  });
  return { exit: values.exit, port: Number(values.port) };
}
