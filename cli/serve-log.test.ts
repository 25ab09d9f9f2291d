import { expect, it } from "vitest";
import type { LogLevel } from "./log-level.ts";
import { createServeLog } from "./serve-log.ts";

function logged(events: Record<string, unknown>[], level: LogLevel = "info", isTerminal = false): string[] {
  const lines: string[] = [];
  const log = createServeLog({ level, isTerminal, write: (line) => void lines.push(line) });
  for (const event of events) log(event);
  return lines;
}

const REQUEST = {
  ...{ event: "request", requestId: "r-1", method: "POST", route: "/v1/classify" },
  ...{ status: 200, durationMs: 12, tenant: "acme", code: undefined },
};
const EVENTS = [
  { event: "request", route: "/livez", status: 200 },
  REQUEST,
  { event: "not_ready", error: "no store" },
  { event: "error", requestId: "r-2", error: "Error: broken\n    at here" },
];

it("an event is one line of JSON, with its level and time and all it says", () => {
  const [line = "", ...more] = logged([REQUEST]);
  expect(more).toEqual([]);
  expect(line).toMatch(/^\{[^\n]*\}\n$/);
  expect(JSON.parse(line)).toEqual({
    level: "info",
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    ...{ event: "request", requestId: "r-1", method: "POST", route: "/v1/classify" },
    ...{ status: 200, durationMs: 12, tenant: "acme" },
  });
});

it.each([
  ["debug", 4],
  ["info", 3],
  ["warn", 2],
  ["error", 1],
  ["silent", 0],
] as const)(
  "--log-level %s: health probes are for debug, what failed comes last to be silent",
  (level, count) => {
    expect(logged(EVENTS, level)).toHaveLength(count);
  },
);

it("an answer of 5xx is logged as an error, one of 4xx is not", () => {
  expect(logged([{ ...REQUEST, status: 500 }], "error")).toHaveLength(1);
  expect(logged([{ ...REQUEST, status: 404 }], "error")).toHaveLength(0);
});

it("at a terminal a request is a line to read, and an error shows where it was", () => {
  const [request, , error] = logged(EVENTS, "info", true);
  expect(request).toMatch(/^\d\d:\d\d:\d\d POST \/v1\/classify 200 12 ms {2}requestId=r-1 {2}tenant=acme\n$/);
  expect(error).toMatch(/^\S+ error: error {2}requestId=r-2\nError: broken\n {4}at here\n$/);
});
