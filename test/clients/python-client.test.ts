// Our own Python client against the whole app on a real server.
import { expect, it } from "vitest";
import { listen } from "../../functions/listen.ts";
import { createTestApp, publishAdapter } from "../../functions/test-app.ts";
import { findClientsPython, runPython } from "./run-python.ts";

const PYTHON_MS_MAX = 180_000;
const event = (seq: number, type: string, data: object) =>
  `id: ${seq}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;

it(
  "classifies, streams lines, uploads, trains, waits as Retry-After says, and resumes a job's events",
  async ({ skip }) => {
    const python = await findClientsPython();
    if (!python) return skip("there is no Python to be had");
    const test = await createTestApp();
    for (const name of ["router", "intents"]) await publishAdapter(test.registry, { name });
    await test.jobs.submit("alpha", { adapterName: "router", datasetId: "ds", options: { seed: 7 } });
    test.jobs.set("job-1", { state: "failed", isRetriable: true });
    const refused = () => new Response("{}", { status: 503, headers: { "Retry-After": "7" } });
    const spoils: (() => Response)[] = [];
    const streams = [
      event(1, "state", { state: "running" }),
      `: still there\n\n${event(1, "state", { state: "running" })}${event(2, "state", { state: "failed" })}${event(3, "state", { state: "queued" })}`,
      event(4, "state", { state: "failed" }),
    ];
    const lastEventIds: (string | null)[] = [];
    const answer = (request: Request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/spoil") {
        spoils.push(refused, () => new Response("", { status: 502 }));
        return new Response("{}");
      }
      if (pathname === "/v1/jobs/spoilt/events") {
        lastEventIds.push(request.headers.get("last-event-id"));
        return new Response(streams.shift(), { headers: { "Content-Type": "text/event-stream" } });
      }
      return spoils.shift()?.() ?? test.app.fetch(request);
    };
    const listener = await listen(answer, { host: "127.0.0.1", port: 0 });
    const csv = `text,label\n${Array.from({ length: 12 }, (_, row) => `text ${row},${row % 2 ? "a" : "b"}\n`).join("")}`;
    try {
      const input = { url: listener.url, key: test.keys.alpha, csv };
      const told = await runPython<{ name: string; value: unknown }>(python, "softgate_calls.py", input);
      const by = Object.fromEntries(told.map(({ name, value }) => [name, value]));
      expect(by).toEqual({
        classify: [{ label: "no", score: 0.5, scores: [{ label: "no", score: 0.5 }], outOfScope: false }],
        ...{ pairs: 1, batch: [1, "adapter_not_found"], lines: [600, 301, 599] },
        ...{ adapters: ["intents", "router"], dataset: 12, job: "tickets" },
        ...{ retriable: ["job-1"], redriven: "queued" },
        ...{ feedback: [["yes"], []], retrain: 400, shadow: { alias: "production", share: 0.5 } },
        error: [404, "adapter_not_found", true],
        retried: 1,
        waits: [expect.closeTo(7.125, 0), expect.any(Number)],
        events: [
          { seq: 1, type: "state", data: { state: "running" } },
          ...["failed", "queued", "failed"].map((state, index) => ({
            ...{ seq: index + 2, type: "state", data: { state } },
          })),
        ],
      });
      expect((by.waits as number[])[0]).toBeGreaterThanOrEqual(7);
      expect(lastEventIds).toEqual([null, "1", "3"]);
    } finally {
      await listener.close();
    }
  },
  PYTHON_MS_MAX,
);
