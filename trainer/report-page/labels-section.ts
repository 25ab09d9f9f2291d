// Each label's figures, and what is taken for what.
import { type HeldOutReport, MATRIX_LABELS_MAX } from "../report.ts";
import { percent, whole } from "./format.ts";
import { type Markup, markup } from "./markup.ts";
import { matrixBox, matrixPlot } from "./matrix-plot.ts";
import { figureOf, tableOf } from "./plot.ts";

export function labelsSection(heldOut: HeldOutReport): Markup {
  const { perLabel, confusions } = heldOut;
  const rows = perLabel.map(({ label, precision, recall, f1, support }) => [
    ...[label, percent(precision), percent(recall), percent(f1), whole(support)],
  ]);
  const confused = confusions.map(({ label, answer, count }) => [label, answer, whole(count)]);
  return markup`<section>
<h2>Labels</h2>
<div class="wide">${tableOf("Precision: how many of the answers with a label are right. Recall: how many of its rows are found", ["Label", "Precision", "Recall", "F1", "Rows"], rows)}</div>
<h3>What is taken for what</h3>
${matrixFigure(heldOut)}${
  confused.length > 0
    ? markup`<div class="wide">${tableOf("The most frequent wrong answers", ["Label", "Answered with", "Rows"], confused, [1])}</div>
`
    : markup`<p>No held-out row was answered wrongly.</p>
`
}</section>
`;
}

function matrixFigure({ confusionMatrix, confusions }: HeldOutReport): Markup {
  const { labels, counts } = confusionMatrix;
  const [most] = confusions;
  const partial = labels.length === MATRIX_LABELS_MAX;
  return figureOf({
    id: "confusion",
    title: "Confusion matrix",
    description: most
      ? `The most frequent wrong answer is ${most.answer} for ${most.label}, ${most.count} rows.`
      : "All rows lie on the diagonal.",
    box: matrixBox(confusionMatrix),
    drawing: matrixPlot(confusionMatrix),
    caption: `Rows are labels, columns are answers; the colour is the share of the row. The diagonal is right.${partial ? ` Of more than ${MATRIX_LABELS_MAX} labels, those that errors concern most.` : ""}`,
    table: tableOf(
      "Rows of each label by answer",
      ["", ...labels],
      counts.map((row, index) => [labels[index] ?? "", ...row]),
    ),
  });
}
