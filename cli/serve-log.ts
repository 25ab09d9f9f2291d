// The log of softgate serve: one JSON line an event for machines, one readable line for a person at a terminal.
import { pino } from "pino";
import type { LogLevel } from "./log-level.ts";

type Event = Record<string, unknown>;

const HEALTH_ROUTES: readonly unknown[] = ["/livez", "/readyz"];
const WARNINGS: readonly unknown[] = [
  "not_ready",
  "traces_not_sent",
  "job_retried",
  "job_lost",
  "jobs_unavailable",
  "webhook_refused",
  "key_use_not_written",
];
/** Said first on a terminal, or of no use there. */
const SAID_ALREADY = ["event", "error", "method", "route", "status", "durationMs", "keyId", "traceId"];

export function createServeLog(options: {
  readonly level: LogLevel;
  readonly isTerminal: boolean;
  readonly write: (text: string) => void;
}): (event: Event) => void {
  const { level, isTerminal, write } = options;
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: isTerminal ? (line) => write(readable(JSON.parse(line))) : write },
  );
  return (event) => log[levelOf(event)](event);
}

/** Of probes, those that fail have a line of their own: not_ready. */
function levelOf(event: Event): Exclude<LogLevel, "silent"> {
  if (WARNINGS.includes(event.event)) return "warn";
  if (event.event === "request" && HEALTH_ROUTES.includes(event.route)) return "debug";
  return "error" in event || Number(event.status ?? 0) >= 500 ? "error" : "info";
}

function readable({ level, time, ...event }: Event): string {
  const clock = String(time).slice(11, 19);
  const { method, route, status, durationMs } = event;
  const what =
    event.event === "request"
      ? `${method} ${route} ${status} ${durationMs} ms`
      : String(event.event).replaceAll("_", " ");
  const rest = Object.entries(event)
    .filter(([name, value]) => !SAID_ALREADY.includes(name) && value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  const mark = level === "info" || level === "debug" ? "" : `${level}: `;
  const error = event.error === undefined ? "" : `\n${event.error}`;
  return `${[`${clock} ${mark}${what}`, ...rest].join("  ")}${error}\n`;
}
