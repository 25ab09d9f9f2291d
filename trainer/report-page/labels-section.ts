// Each label's figures, and what is taken for what.
import { type HeldOutReport, LABELS_TOLD_MAX, MATRIX_LABELS_MAX, type TrainingReport } from "../report.ts";
import { percent, whole } from "./format.ts";
import { type Markup, markup } from "./markup.ts";
import { matrixBox, matrixPlot } from "./matrix-plot.ts";
import { figureOf, tableOf } from "./plot.ts";

/** `classes`: labels in all. */
export function labelsSection({ heldOut, classes }: Pick<TrainingReport, "heldOut" | "classes">): Markup {
  const { perLabel, confusions } = heldOut;
  const rows = perLabel.map(({ label, precision, recall, f1, support }) => [
    ...[label, percent(precision), percent(recall), percent(f1), whole(support)],
  ]);
  const some =
    classes > perLabel.length
      ? `. Of ${classes} labels, the ${LABELS_TOLD_MAX} that are found the worst, by F1`
      : "";
  const caption = `${CAPTION}${some}`;
  return markup`<section>
<h2>Labels</h2>
<div class="wide">${tableOf(caption, ["Label", "Precision", "Recall", "F1", "Rows"], rows)}</div>
<h3>What is taken for what</h3>
${matrixFigure(heldOut, classes)}${confusionTables(confusions)}</section>
`;
}

const CAPTION =
  "Precision: how many of the answers with a label are right. Recall: how many of its rows are found";

/** The first of them, and the others folded. */
function confusionTables(confusions: HeldOutReport["confusions"]): Markup {
  const rows = confusions.map(({ label, answer, count }) => [label, answer, whole(count)]);
  const tableOfRows = (caption: string, some: typeof rows) =>
    markup`<div class="wide">${tableOf(caption, ["Label", "Answered with", "Rows"], some, [1])}</div>`;
  if (rows.length === 0)
    return markup`<p>No held-out row was answered wrongly.</p>
`;
  const further = rows.slice(CONFUSIONS_OPEN);
  const folded =
    further.length > 0
      ? markup`<details><summary>${further.length} further wrong answers</summary>${tableOfRows("Further wrong answers", further)}</details>
`
      : undefined;
  return markup`${tableOfRows("The most frequent wrong answers", rows.slice(0, CONFUSIONS_OPEN))}
${folded}`;
}

const CONFUSIONS_OPEN = 10;

function matrixFigure({ confusionMatrix, confusions }: HeldOutReport, classes: number): Markup {
  const { labels, counts } = confusionMatrix;
  const [most] = confusions;
  const partial = classes > labels.length;
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
