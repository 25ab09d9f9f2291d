// For a test: what a web page does with the client, and what its calls came to. Bundled for the browser: it knows nothing of Node.
import {
  createBatcher,
  createSoftgate,
  type Softgate,
  SoftgateError,
} from "../../clients/typescript/index.ts";

interface Server {
  readonly url: string;
  readonly key: string;
}

/** Every kind of call. No wait is waited for. */
export async function callAll({ url, key }: Server) {
  const waits: number[] = [];
  const wait = async (milliseconds: number) => void waits.push(milliseconds);
  const softgate = createSoftgate({ url, key, random: () => 0, wait });
  const { version, predictions } = await softgate.classify({ adapterId: "router", inputs: "a", topK: 1 });
  const waitsOfRefusal = waits.splice(0);
  const batcher = createBatcher(softgate);
  const batched = ["router", "intents", "missing"].map((adapterId) =>
    batcher.classify({ adapterId, input: "a" }).then(({ label }) => label, codeOf),
  );
  const lines = Array.from({ length: 300 }, (_, id) => ({ id, text: "a" }));
  const answers = await allOf(softgate.classifyLines(lines, { adapterId: "router", topK: 1 }));
  return {
    classified: [version, predictions[0]?.label],
    waitsOfRefusal,
    batched: await Promise.all(batched),
    lines: answers.filter((answer) => !("error" in answer)).length,
    names: (await allOf(softgate.listAdapters())).map(({ name }) => name),
    missing: await softgate.classify({ adapterId: "missing", inputs: "a" }).catch(fieldsOf),
    headers: await readHeaders(softgate),
    ...(await trainAndFollow(softgate)),
    isSecure: (globalThis as { isSecureContext?: boolean }).isSecureContext,
  };
}

/** From a page that may not: what it can tell of it. */
export async function callOnce({ url, key }: Server): Promise<string> {
  const softgate = createSoftgate({ url, key, retriesMax: 0 });
  return softgate.classify({ adapterId: "router", inputs: "a" }).then(() => "answered", String);
}

/** A file that is too large for the server's requests. */
export async function uploadLarge({ url, key }: Server): Promise<number> {
  const softgate = createSoftgate({ url, key });
  const rows = Array.from({ length: 400 }, (_, row) => `some text ${row},${row % 2 ? "a" : "b"}\n`);
  const file = new Blob([`text,label\n${rows.join("")}`], { type: "text/csv" });
  return (await softgate.uploadDataset(file, { fileName: "tickets.csv" })).rows;
}

/** The names of all that a page may read; on the way, a change on a condition. */
async function readHeaders(softgate: Softgate): Promise<string[]> {
  const path = "/v1/adapters/router/aliases/production";
  const { headers } = await softgate.request({ method: "GET", path, isRepeatable: true });
  await softgate.request({
    ...{ method: "PUT", path, isRepeatable: false, body: JSON.stringify({ version: 1 }) },
    headers: { "Content-Type": "application/json", "If-Match": headers.get("etag") ?? "" },
  });
  return [...headers.keys()];
}

/** A file, as one chosen in a form, to the last event of its job. */
async function trainAndFollow(softgate: Softgate) {
  const rows = Array.from({ length: 12 }, (_, row) => `text ${row},${row % 2 ? "a" : "b"}\n`);
  const file = new Blob([`text,label\n${rows.join("")}`], { type: "text/csv" });
  const dataset = await softgate.uploadDataset(file, { fileName: "tickets.csv" });
  const { jobId } = await softgate.trainAdapter({ name: "tickets", datasetId: dataset.id });
  const told: unknown[] = [];
  for await (const { seq, data } of softgate.followJob(jobId)) {
    told.push([seq, data.state ?? data.progress]);
    // While it goes on: the job waits for this.
    if (data.state === "running") await softgate.getJob(jobId);
  }
  return { rows: dataset.rows, told };
}

async function allOf<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

function codeOf(error: unknown): string {
  return error instanceof SoftgateError ? error.code : String(error);
}

function fieldsOf(error: unknown) {
  if (!(error instanceof SoftgateError)) return String(error);
  const { status, code, requestId } = error;
  return { status, code, requestId };
}
