// Of a retraining on feedback: what it is worth, beside what is learned without.
import type { ComparisonReport } from "../report.ts";
import { percent, whole } from "./format.ts";
import { type Markup, markup } from "./markup.ts";
import { tableOf } from "./plot.ts";

/** Undefined where there was nothing to compare with. */
export function comparisonSection(comparison: ComparisonReport | undefined): Markup | undefined {
  if (!comparison) return undefined;
  const { version, how, n, candidate, production, onFeedback } = comparison;
  const rows = [
    ["Accuracy", percent(candidate.accuracy), percent(production.accuracy), whole(n)],
    ["Macro-F1", percent(candidate.macroF1), percent(production.macroF1), whole(n)],
    ...(onFeedback
      ? [["On feedback", percent(onFeedback.candidate), percent(onFeedback.production), whole(onFeedback.n)]]
      : []),
  ];
  const header = ["", "With feedback", "Without", "Held-out rows"];
  return markup`<section>
<h2>What the feedback is worth</h2>
<div class="wide">${tableOf(`Beside what stands for version ${version}`, header, rows)}</div>
<p>${how}</p>
</section>
`;
}
