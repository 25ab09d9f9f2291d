// A report as one page of HTML that needs nothing else: no script, no font, no network. Pure.
import type { HeldOutReport, TrainingReport } from "../report.ts";
import { adviceSection } from "./advice-section.ts";
import { calibrationSection } from "./calibration-section.ts";
import { comparisonSection } from "./comparison-section.ts";
import { percent, whole } from "./format.ts";
import { labelsSection } from "./labels-section.ts";
import { type Markup, markup, verbatim } from "./markup.ts";
import { PAGE_POLICY, STYLE } from "./style.ts";
import { trainingSection } from "./training-section.ts";

export interface ReportPage {
  /** Of the adapter. */
  readonly name: string;
  readonly version: number;
  readonly digest: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly backbone: string;
  readonly report: TrainingReport;
}

export function renderReportPage(page: ReportPage): string {
  const { name, version, report } = page;
  const { text } = markup`<html lang="en">
<head>
<meta charset="utf-8"/>
<meta http-equiv="Content-Security-Policy" content="${PAGE_POLICY}"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>${name}:${version} – training report</title>
<style>${verbatim(STYLE)}</style>
</head>
<body>
${header(page)}<main>
${summary(report)}${comparisonSection(report.comparison)}${adviceSection(report)}${labelsSection(report)}${calibrationSection(report)}${trainingSection(report)}</main>
</body>
</html>
`;
  return `<!doctype html>\n${text}`;
}

function header({ name, version, digest, createdAt, backbone, report }: ReportPage): Markup {
  return markup`<header>
<h1>${name}:${version}</h1>
<p>Trained ${createdAt.slice(0, 16).replace("T", " ")} UTC on ${describeExamples(report)}, on the backbone ${backbone}. Digest <code>${digest}</code>.</p>
</header>
`;
}

function describeExamples({ examples, sampledFrom, classes }: TrainingReport): string {
  const drawn = sampledFrom === undefined ? "" : `, drawn from ${whole(sampledFrom)}`;
  return `${whole(examples)} examples of ${whole(classes)} labels${drawn}`;
}

function summary({ heldOut, frozenProbe, truncatedExamples }: TrainingReport): Markup {
  const { accuracy, macroF1, n, calibration, outOfScope } = heldOut;
  const cut =
    truncatedExamples > 0 &&
    markup`<p>${whole(truncatedExamples)} texts are longer than the backbone reads; their start alone was learned.</p>
`;
  return markup`<section>
<h2>In short</h2>
<dl class="tiles">
${tile("Accuracy", percent(accuracy), `${whole(n)} held-out rows`)}
${tile("Macro-F1", percent(macroF1), "mean of the labels")}
${frozenProbe && tile("Without insertions", percent(frozenProbe.accuracy), `${whole(frozenProbe.n)} rows, frozen probe`)}
${tile("Calibration error", percent(calibration.errorAfter), `${percent(calibration.errorBefore)} without the temperature`)}
${outOfScope && tile("In scope, kept", percent(outOfScope.expectedInScopeRecall), "at least, expected of the out-of-scope threshold")}
</dl>
<p>${FROM[heldOut.from]}</p>
${cut || undefined}</section>
`;
}

function tile(name: string, value: string, more: string): Markup {
  return markup`<div class="tile"><dt>${name}</dt><dd>${value}</dd><dd>${more}</dd></div>`;
}

/** How far the figures can be believed. */
const FROM = {
  every_example_once:
    "All figures are of rows that were held out: each half of the examples was answered after training on the other half alone, so every example counts once and none had to be set aside. The adapter itself learned from all of them and is likely a little better. Some of these rows chose between the settings tried, which makes the figures a little kind.",
  half_of_the_examples:
    "All figures are of rows that were held out: one half of the examples, answered after training on the other half alone. The adapter itself learned from all examples and is likely a little better. The same rows chose between the settings tried, which makes the figures a little kind.",
  validation_file:
    "All figures are of the rows of the validation file, from which nothing was learned. They chose between the settings tried, which makes the figures a little kind.",
} satisfies Record<HeldOutReport["from"], string>;
