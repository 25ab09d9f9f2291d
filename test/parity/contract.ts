// The HTTP API as a tenant meets it, the same on every host: the six steps, errors, keys, limits. A host is one when this
// passes, unchanged. What a host does not do (train) it must refuse as said here; all else holds for each.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type Backbone, parseBackbone } from "#model";
import { ALIAS_STALE_MS_MAX, createRegistry, openObjectStore, parseTenantId, type Registry } from "#registry";
import { publishAdapterOn } from "../helpers/publish-adapter.ts";
import { makeRandomAdapter } from "../helpers/random-adapter.ts";
import { makeTickets } from "../helpers/tickets.ts";
import { makeTinyBackbone, writeTinyBackbone } from "../helpers/tiny-backbone.ts";

/** A host that was started, over a store that is its own. */
export interface ParityHost {
  /** A request from outside; `path` begins with "/". */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Of its store, as openObjectStore takes it: keys are made there, as an operator does. */
  readonly storeUrl: string;
  readonly trains: boolean;
  stop(): Promise<void>;
}

export interface ParityPlace {
  /** A folder for whatever the host keeps; removed at the end. */
  readonly folder: string;
  /** The folder of the backbone that it is to hold. */
  readonly backboneFolder: string;
  /** The same, in memory. */
  readonly backbone: Backbone;
}

const START_MS_MAX = 120_000;
const TRAIN_MS_MAX = 120_000;
/** A change made at one host is seen at another as soon as what it has read before is too old. */
const SEEN_MS_MAX = 2 * ALIAS_STALE_MS_MAX + 5_000;
const INPUTS_MAX = 256;
const JSON_BYTES_MAX = 1024 * 1024;

const tickets = makeTickets({ seed: 1, rowsPerLabel: 12 });

export function describeHost(name: string, start: (place: ParityPlace) => Promise<ParityHost>): void {
  describe(`the API of ${name}`, () => {
    let folder: string;
    let backbone: Backbone;
    let host: ParityHost;
    let registry: Registry;
    let closeStore: () => Promise<void> = async () => undefined;
    let keys: { alpha: string; beta: string };

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "softgate-parity-"));
      const backboneFolder = join(folder, "tiny");
      await writeTinyBackbone(backboneFolder, { layers: 3 });
      backbone = parseBackbone("tiny", makeTinyBackbone({ layers: 3 }));
      host = await start({ folder, backboneFolder, backbone });
      const store = await openObjectStore(host.storeUrl);
      closeStore = () => store.close();
      registry = createRegistry({ store });
      keys = { alpha: await createKey("alpha"), beta: await createKey("beta") };
    }, START_MS_MAX);
    afterAll(async () => {
      await host?.stop();
      await closeStore();
      await rm(folder, { recursive: true, force: true });
    });

    const createKey = async (tenant: string) =>
      (await registry.createKey(parseTenantId(tenant), "parity")).secret;

    /** As alpha, JSON unless the body is a text. A fixed request id: without it no two problems are equal. */
    const send = (
      method: string,
      path: string,
      options: { key?: string; body?: unknown; type?: string } = {},
    ) => {
      const { key = keys.alpha, body, type = "application/json" } = options;
      return host.fetch(path, {
        method,
        headers: {
          ...(key !== "" && { Authorization: `Bearer ${key}` }),
          ...(body !== undefined && { "Content-Type": type }),
          "X-Request-Id": "r-1",
        },
        ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
    };
    const read = async (response: Response) => ({
      status: response.status,
      ...((await response.json()) as object),
    });
    const classify = (adapterId: string, inputs: unknown = ["the parcel is late"]) =>
      send("POST", "/v1/classify", { body: { adapterId, inputs } });

    describe("the six steps", () => {
      let datasetId: string;

      it("an upload becomes a dataset", async () => {
        const dataset = await read(
          await send("POST", "/v1/datasets", { body: tickets.csv, type: "text/csv" }),
        );
        expect(dataset).toMatchObject({ rows: tickets.rows.length, labels: tickets.labels });
        datasetId = (dataset as unknown as { id: string }).id;
      });

      it(
        "a training becomes version 1, or is refused where nobody trains",
        async () => {
          const answer = await send("POST", "/v1/adapters", { body: { name: "tickets", datasetId } });
          if (!host.trains) {
            expect(await read(answer)).toMatchObject({ status: 409, code: "trainer_absent" });
            const adapter = makeRandomAdapter({
              ...{ width: backbone.config.width, seed: 1, classes: tickets.labels.length },
              generators: [{ layer: 1, pooling: "mean", promptTokens: 2, bottleneck: 4 }],
            });
            const named = { ...adapter, labels: tickets.labels };
            await publishAdapterOn(backbone, registry, {
              tenant: parseTenantId("alpha"),
              name: "tickets",
              adapter: named,
            });
            return;
          }
          expect(answer.status).toBe(202);
          const { jobId } = (await answer.json()) as { jobId: string };
          const job = await vi.waitUntil(
            async () => {
              const view = (await read(await send("GET", `/v1/jobs/${jobId}`))) as unknown as {
                state: string;
              };
              return (view.state === "succeeded" || view.state === "failed") && view;
            },
            { timeout: TRAIN_MS_MAX, interval: 100 },
          );
          expect(job).toMatchObject({ state: "succeeded", adapter: { name: "tickets", version: 1 } });
        },
        TRAIN_MS_MAX + 10_000,
      );

      it("the version is published: it is listed with its labels, and production leads to it", async () => {
        expect(await read(await send("GET", "/v1/adapters"))).toMatchObject({
          adapters: [{ name: "tickets", latestVersion: 1, aliases: { production: 1 } }],
        });
        expect(await read(await send("GET", "/v1/adapters/tickets/versions"))).toMatchObject({
          versions: [{ version: 1, labels: tickets.labels }],
        });
      });

      it("each form of its id is resolved to it, and its digest is in every answer", async () => {
        const digests = new Set<unknown>();
        for (const adapterId of ["tickets", "tickets@production", "tickets:1"]) {
          const response = await classify(adapterId);
          const answer = (await response.json()) as { version: number; digest: string };
          expect([response.status, answer.version]).toEqual([200, 1]);
          digests.add(answer.digest).add(response.headers.get("softgate-adapter-digest"));
        }
        expect(digests.size).toBe(1);
      });

      it("clients made for other servers are answered in their form", async () => {
        const answer = await send("POST", "/models/tickets", { body: { inputs: "the parcel is late" } });
        const [[best]] = (await answer.json()) as [[{ label: string }]];
        expect([answer.status, tickets.labels.includes(best.label)]).toEqual([200, true]);
        const refused = await send("POST", "/models/tickets", { key: "", body: { inputs: "x" } });
        expect([refused.status, await refused.json()]).toMatchObject([401, { error: expect.any(String) }]);
      });

      it("texts are classified in their order, each with scores of all labels that add up to 1", async () => {
        const inputs = tickets.rows.slice(0, 9).map(({ text }) => text);
        const { predictions } = (await (await classify("tickets", inputs)).json()) as {
          predictions: { label: string; scores: { label: string; score: number }[] }[];
        };
        expect(predictions).toHaveLength(inputs.length);
        for (const { label, scores } of predictions) {
          expect(scores.map((one) => one.label).sort()).toEqual([...tickets.labels].sort());
          expect(scores[0]?.label).toBe(label);
          expect(scores.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 3);
        }
      });
    });

    describe("keys and tenants", () => {
      it("without a key, or with one that is none, there is one answer", async () => {
        for (const path of ["/v1/adapters", "/v1/nothing", "/v1/jobs/none"]) {
          for (const key of ["", "sg_none", `${keys.alpha}x`]) {
            const response = await send("GET", path, { key });
            expect(response.headers.get("www-authenticate")).toMatch(/^Bearer /);
            expect(await read(response)).toMatchObject({ status: 401, code: "unauthenticated" });
          }
        }
      });

      it("another tenant gets for an adapter the very bytes of a missing one", async () => {
        const ask = async (adapter: string) => {
          const body = { adapterId: adapter, inputs: ["hello"] };
          const answers = await Promise.all([
            send("POST", "/v1/classify", { key: keys.beta, body }),
            send("GET", `/v1/adapters/${adapter}/versions`, { key: keys.beta }),
            send("GET", `/v1/adapters/${adapter}/versions/1/report`, { key: keys.beta }),
          ]);
          const texts = await Promise.all(answers.map((answer) => answer.text()));
          return [
            ...answers.map(({ status }) => status),
            ...texts.map((text) => text.replaceAll(adapter, "NAME")),
          ];
        };
        const theirs = await ask("tickets");
        expect(theirs).toEqual(await ask("missing"));
        expect(theirs.slice(0, 3)).toEqual([404, 404, 404]);
        expect(await read(await send("GET", "/v1/adapters", { key: keys.beta }))).toMatchObject({
          adapters: [],
        });
      });
    });

    describe("errors and limits", () => {
      const texts = (count: number) => Array<string>(count).fill("hello");

      it.each<[string, number, string, () => Promise<Response>]>([
        ["a body that is no JSON", 400, "invalid_request", () => send("POST", "/v1/classify", { body: "{" })],
        [
          "a body without texts",
          400,
          "invalid_request",
          () => send("POST", "/v1/classify", { body: { adapterId: "tickets" } }),
        ],
        ["more texts than may be", 400, "invalid_request", () => classify("tickets", texts(INPUTS_MAX + 1))],
        [
          "a timeout that is none",
          400,
          "invalid_request",
          () =>
            host.fetch("/v1/classify", {
              method: "POST",
              headers: {
                Authorization: `Bearer ${keys.alpha}`,
                "Content-Type": "application/json",
                "Softgate-Timeout-Ms": "soon",
                "X-Request-Id": "r-1",
              },
              body: JSON.stringify({ adapterId: "tickets", inputs: ["hello"] }),
            }),
        ],
        ["an id that is none", 400, "invalid_reference", () => classify("tickets@@")],
        ["an adapter that is not there", 404, "adapter_not_found", () => classify("missing")],
        ["a version that is not there", 404, "version_not_found", () => classify("tickets:9")],
        ["an alias that is not there", 404, "alias_not_found", () => classify("tickets@canary")],
        ["a path that is not there", 404, "route_not_found", () => send("GET", "/v1/nothing")],
        ["a path outside of the API", 404, "route_not_found", () => send("GET", "/nothing")],
        [
          "a method that is not there",
          405,
          "method_not_allowed",
          () => send("PATCH", "/v1/classify", { body: {} }),
        ],
        [
          "a body that is larger than may be",
          413,
          "payload_too_large",
          () => classify("tickets", "x".repeat(JSON_BYTES_MAX + 1)),
        ],
        [
          "a body of another type",
          415,
          "unsupported_media_type",
          () => send("POST", "/v1/classify", { body: "hello", type: "text/plain" }),
        ],
        [
          "a dataset that cannot be learned from",
          400,
          "invalid_dataset",
          () => send("POST", "/v1/datasets", { body: "text,label\nhello,a\nbye,\n", type: "text/csv" }),
        ],
      ])("%s is %i %s, in a problem document", async (_what, status, code, ask) => {
        const response = await ask();
        expect(response.headers.get("content-type")).toBe("application/problem+json");
        expect(response.headers.get("x-request-id")).toBe("r-1");
        const problem = await read(response);
        expect(problem).toMatchObject({
          status,
          code,
          type: `/errors/${code}`,
          requestId: "r-1",
        });
      });

      it("the type of a problem leads to what to do", async () => {
        const response = await host.fetch("/errors/adapter_not_found");
        expect([response.status, response.headers.get("content-type")]).toEqual([
          200,
          "text/html; charset=UTF-8",
        ]);
        expect(await response.text()).toContain("adapter_not_found");
      });

      it("as many texts as may be are classified, in an answer large enough to be compressed", async () => {
        const response = await classify("tickets", texts(INPUTS_MAX));
        const { predictions } = (await response.json()) as { predictions: unknown[] };
        expect([response.status, predictions.length]).toEqual([200, INPUTS_MAX]);
      });
    });

    describe("changes", () => {
      it(
        "an alias that is set leads requests, and one that is not there still does not",
        async () => {
          const set = await send("PUT", "/v1/adapters/tickets/aliases/canary", { body: { version: 1 } });
          expect(set.status).toBe(200);
          const seen = async () => (await classify("tickets@canary")).status === 200;
          await vi.waitUntil(seen, { timeout: SEEN_MS_MAX, interval: 100 });
          expect(await read(await classify("tickets@other"))).toMatchObject({
            status: 404,
            code: "alias_not_found",
          });
        },
        SEEN_MS_MAX + 10_000,
      );

      it(
        "an adapter that is deleted is answered as one that never was",
        async () => {
          expect((await send("DELETE", "/v1/adapters/tickets")).status).toBe(200);
          const gone = async () => (await classify("tickets")).status === 404;
          await vi.waitUntil(gone, { timeout: SEEN_MS_MAX, interval: 100 });
          const [deleted, missing] = await Promise.all(
            ["tickets", "missing"].map(async (adapter) =>
              (await (await classify(adapter)).text()).replaceAll(adapter, "NAME"),
            ),
          );
          expect(deleted).toBe(missing);
        },
        SEEN_MS_MAX + 10_000,
      );
    });
  });
}
