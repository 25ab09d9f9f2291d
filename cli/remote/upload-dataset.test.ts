// Files to a server: through it, or past it by a URL into its store. The small ones against a server on this machine that
// answers as each test says, a large one against a real server on a real S3 server.
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { findVersitygw, startVersitygw, type TestS3 } from "../../test/helpers/versitygw.ts";
import { withDatasetFile } from "../read-dataset.ts";
import { softgate } from "../test-io.ts";
import { createTestPlace, type TestPlace } from "../test-place.ts";
import { type SoftgateProcess, startSoftgate, urlOf as urlOfProcess } from "../test-process.ts";
import { createClient } from "./client.ts";
import { uploadDataset } from "./upload-dataset.ts";

const program = await findVersitygw();
const CSV = "text,label\na,yes\nb,no\n";
const DIGEST = `sha256:${createHash("sha256").update(CSV).digest("hex")}`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-upload-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("a file that a server takes by URL alone", () => {
  let server: Server;
  let asked: { call: string; key: string | undefined; body: string }[];
  let answers: Record<string, [status: number, body: object | string]>;
  /** Before those, each once. */
  let lostAnswers: Map<string, (number | "cut off")[]>;

  beforeEach(async () => {
    asked = [];
    lostAnswers = new Map();
    answers = {
      "POST /v1/datasets?textColumn=text&labelColumn=label": [
        413,
        { code: "payload_too_large", detail: "6 MiB" },
      ],
      "POST /v1/datasets/uploads": [
        201,
        { datasetId: "ds_1", upload: { url: `${urlOf()}/bucket/key?signed`, headers: { "X-Signed": "1" } } },
      ],
      "PUT /bucket/key?signed": [200, ""],
      "POST /v1/datasets/ds_1/complete": [200, { id: "ds_1" }],
    };
  });
  beforeAll(async () => {
    server = createServer(async (request, response) => {
      const call = `${request.method} ${request.url}`;
      asked.push({ call, key: request.headers.authorization, body: await bodyOf(request) });
      const lost = lostAnswers.get(call)?.shift();
      if (lost === "cut off") return void request.socket.destroy();
      if (lost !== undefined) return void response.writeHead(lost).end("<html>Gateway Timeout</html>");
      const [status, body] = answers[call] ?? [404, { code: "route_not_found", detail: call }];
      response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterAll(() => new Promise((resolve) => server.close(resolve).closeAllConnections()));

  const urlOf = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const upload = async (before = async (_path: string) => {}) => {
    const path = join(folder, "tickets.csv");
    await writeFile(path, CSV);
    const client = createClient({ url: urlOf(), key: "sg_key" }, new AbortController().signal);
    return withDatasetFile(path, { forTraining: false }, async (file) => {
      await before(path);
      return uploadDataset(client, file);
    });
  };

  it("is begun, sent whole without the key, and completed, where the server is too small for its body", async () => {
    expect(await upload()).toEqual({ id: "ds_1" });
    const [, begun, sent, completed] = asked;
    expect(JSON.parse(begun?.body ?? "")).toEqual({
      ...{ fileName: "tickets.csv", bytes: CSV.length, digest: DIGEST },
      ...{ textColumn: "text", labelColumn: "label" },
    });
    expect(sent).toEqual({ call: "PUT /bucket/key?signed", key: undefined, body: CSV });
    expect(completed).toMatchObject({ call: "POST /v1/datasets/ds_1/complete", key: "Bearer sg_key" });
  });

  it("is refused with what can be done where its store has no URLs", async () => {
    answers["POST /v1/datasets/uploads"] = [409, { code: "direct_upload_unsupported", detail: "none" }];
    await expect(upload()).rejects.toMatchObject({
      code: "direct_upload_unsupported",
      publicMessage: expect.stringContaining("send a part of it, or train on the machine of the store"),
    });
  });

  it("that the store refuses is told with the store's reason, and not completed", async () => {
    answers["PUT /bucket/key?signed"] = [403, "<Error><Code>AccessDenied</Code></Error>"];
    await expect(upload()).rejects.toMatchObject({
      code: "server_unreachable",
      publicMessage: expect.stringMatching(/status 403, AccessDenied/),
    });
    expect(asked.map(({ call }) => call)).not.toContain("POST /v1/datasets/ds_1/complete");
  });

  it("is not sent again where the answer to its completion is lost on the way: that is asked for again", async () => {
    lostAnswers.set("POST /v1/datasets/ds_1/complete", [504, "cut off"]);
    expect(await upload()).toEqual({ id: "ds_1" });
    const calls = asked.map(({ call }) => call);
    expect(calls.filter((call) => call === "PUT /bucket/key?signed")).toHaveLength(1);
    expect(calls.filter((call) => call === "POST /v1/datasets/ds_1/complete")).toHaveLength(3);
  });

  it("is begun once, whatever becomes of the answer", async () => {
    lostAnswers.set("POST /v1/datasets/uploads", [504]);
    await expect(upload()).rejects.toMatchObject({ code: "server_unreachable" });
    expect(asked.filter(({ call }) => call === "POST /v1/datasets/uploads")).toHaveLength(1);
  });

  it("that was changed since it was read is not sent", async () => {
    await expect(upload((path) => utimes(path, 1, 1))).rejects.toMatchObject({ code: "file_unreadable" });
    expect(asked).toEqual([]);
  });
});

describe.skipIf(program === undefined)("a file larger than servers take in a request", () => {
  let s3: TestS3;
  let place: TestPlace;
  let server: SoftgateProcess;
  let env: Record<string, string>;

  beforeAll(async () => {
    [s3, place] = await Promise.all([startVersitygw(program ?? "", ["large"]), createTestPlace()]);
    const aws = { AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey };
    const own = { ...aws, SOFTGATE_CACHE: place.at("cache") };
    const store = `s3://large/a?endpoint=${s3.endpoint}&region=us-east-1`;
    const created = startSoftgate(["tenants", "create", "acme", "--store", store], own);
    await created.ended;
    const flags = ["--backbone", place.at("tiny"), "--threads", "1", "--port", "0", "--trainers", "0"];
    server = startSoftgate(["serve", ...flags, "--store", store], own);
    env = { SOFTGATE_SERVER: await urlOfProcess(server, 60_000), SOFTGATE_KEY: created.stdout().trim() };
  }, 90_000);
  afterAll(async () => {
    server?.child.kill("SIGTERM");
    await server?.ended;
    await s3?.stop();
    await place?.close();
  });

  it("goes by URL into the server's store, is read there, and is among its datasets", async () => {
    const path = join(folder, "large.csv");
    const text = "word ".repeat(3_900);
    const rows = Array.from({ length: 3_600 }, (_, row) => `${row} ${text},${row % 2 ? "yes" : "no"}\n`);
    await writeFile(path, `text,label\n${rows.join("")}`);
    const { stdout, exitCode } = await softgate(["datasets", "add", path, "--json"], { env });
    expect(exitCode).toBe(0);
    const { id, rows: told } = JSON.parse(stdout);
    expect(told).toBe(3_600);
    const list = JSON.parse((await softgate(["datasets", "list", "--json"], { env })).stdout);
    const bytes = (await readFile(path)).length;
    expect(bytes).toBeGreaterThan(64 * 2 ** 20);
    expect(list).toMatchObject({
      datasets: [{ id, bytes, rows: 3_600, labelCount: 2, fileName: "large.csv" }],
    });
    const shown = await softgate(["datasets", "list"], { env });
    expect(shown.stdout).toMatch(new RegExp(`${id} +large\\.csv +3600 +2 +${bytes} `));
  }, 60_000);
});

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const piece of request) body += piece;
  return body;
}
