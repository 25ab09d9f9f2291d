// Task summaries as a Markdown table: a row a method, a column a task, mean ± deviation over the splits.
import type { MethodSummary, TaskSummary } from "./summarize-cells.ts";

/**
 * Accuracy in percent, the best of each column bold. Mean and rank stand where a method has every task; the rank is among
 * all methods of the table.
 */
export function markdownTable(tasks: readonly TaskSummary[], methods: readonly MethodSummary[]): string {
  const names = [...new Set(tasks.map(({ task }) => task))];
  const splits = Math.max(...tasks.map((summary) => summary.splits));
  const columns = names.map((name) => {
    const own = tasks.filter(({ task }) => task === name);
    const best = Math.max(...own.map(({ accuracy }) => accuracy.mean));
    return methods.map(({ method }) => {
      const summary = own.find((one) => one.method === method);
      if (!summary) return "–";
      const { mean, sd } = summary.accuracy;
      const spread = splits > 1 ? ` ± ${(100 * sd).toFixed(1)}` : "";
      const figure = `${(100 * mean).toFixed(1)}${spread}`;
      const few = summary.splits < splits ? ` (${summary.splits})` : "";
      return `${mean === best ? `**${figure}**` : figure}${few}`;
    });
  });
  const whole = methods.map((summary) => (summary.tasks === names.length ? summary : undefined));
  const most = Math.max(...whole.map((summary) => summary?.accuracy ?? 0));
  const means = whole.map((summary) => {
    if (!summary) return "–";
    const figure = (100 * summary.accuracy).toFixed(1);
    return summary.accuracy === most ? `**${figure}**` : figure;
  });
  const ranks = whole.map((summary) => summary?.rank.toFixed(1) ?? "–");
  const rows = methods.map(({ method }, row) => [
    method,
    ...[...columns, means, ranks].map((one) => one[row]),
  ]);
  const heading = ["method", ...names, "mean", "mean rank"];
  const line = (cells: readonly (string | undefined)[]) => `| ${cells.join(" | ")} |\n`;
  const over =
    splits > 1 ? `mean ± standard deviation over ${splits} splits; in brackets: over so many` : "one split";
  return `Accuracy on test rows in percent, ${over}.\n\n${line(heading)}${line(heading.map(() => "---"))}${rows.map(line).join("")}`;
}
