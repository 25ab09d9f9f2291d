import type { ReportRule } from "./change.ts";

/** A figure of a report. Reports are kept as they were given: whatever is no figure there is none. */
export function figureOf(
  report: Readonly<Record<string, unknown>> | undefined,
  { on, metric }: Pick<ReportRule, "on" | "metric">,
): number | undefined {
  const part = report?.[on];
  if (typeof part !== "object" || part === null || !(metric in part)) return undefined;
  const figure: unknown = (part as Record<string, unknown>)[metric];
  return typeof figure === "number" && Number.isFinite(figure) ? figure : undefined;
}
