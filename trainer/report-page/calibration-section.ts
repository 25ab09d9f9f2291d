// How far scores can be believed, and when a text is out of scope.
import type { OutOfScopeReport, TrainingReport } from "../report.ts";
import { figure, percent, whole } from "./format.ts";
import { type Markup, markup } from "./markup.ts";
import { figureOf, tableOf } from "./plot.ts";
import { RELIABILITY_BOX, reliabilityPlot } from "./reliability-plot.ts";

export function calibrationSection({ heldOut, temperature }: TrainingReport): Markup {
  const { bins, errorBefore, errorAfter } = heldOut.calibration;
  const rows = bins.map(({ n, confidence, accuracy }) => [percent(confidence), percent(accuracy), whole(n)]);
  const plot = figureOf({
    id: "reliability",
    title: "Reliability diagram",
    description: `Scores and how often they are right are ${percent(errorAfter)} apart in the mean.`,
    box: RELIABILITY_BOX,
    drawing: reliabilityPlot(bins),
    caption:
      "Answers by the tenth their score lies in: height is how many of them are right, the number how many there are. On the broken line scores are as often right as they say.",
    table: tableOf("Answers by score", ["Mean score", "Right", "Answers"], rows),
  });
  return markup`<section>
<h2>How far scores can be believed</h2>
<p>Scores are divided by the temperature ${figure(temperature)} before they are shown. The expected calibration error, how far scores and accuracy are apart in the mean, is ${percent(errorBefore)} without it and ${percent(errorAfter)} with it. The temperature was fitted to these rows or to half of them, so the latter is a little kind.</p>
${plot}<h3>Out of scope</h3>
${outOfScope(heldOut.outOfScope)}</section>
`;
}

function outOfScope(chosen: OutOfScopeReport | undefined): Markup {
  if (!chosen) {
    return markup`<p>Too few rows were held out to choose a threshold: no text is marked as out of scope.</p>
`;
  }
  const { below, expectedInScopeRecall, n } = chosen;
  return markup`<p>A text whose largest logit is below ${figure(below)} is marked as out of scope, and still gets the label that fits best. The threshold was chosen on ${whole(n)} held-out rows, all of them in scope: of new texts that are of one of the labels, at least ${percent(expectedInScopeRecall)} are expected to be kept. How many texts that are of none of the labels are found depends on how far they are from these; only such texts could tell.</p>
`;
}
