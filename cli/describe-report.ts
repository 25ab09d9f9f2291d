// A training's report in a few lines: what train prints at its end, and report of any version.
import type { TrainingReport } from "#trainer/job";
import { describeDevice } from "#trainer/report";
import { describeAdvice, describeSuspects } from "./describe-held-out.ts";
import { describeInsertions } from "./describe-insertions.ts";
import { percent } from "./output.ts";

/** `rowsOf` names the file that the held-out rows are of. */
export function describeReport(report: TrainingReport, rowsOf: string): string {
  const { heldOut, warnings, device, seconds } = report;
  const lines: (readonly [name: string, text: string | undefined])[] = [
    ...describeTraining(report),
    ...describeFigures(report, rowsOf),
    ...listOf("examples for", describeAdvice(report)),
    ["look at", describeSuspects(heldOut)],
    ...listOf(
      "warnings",
      warnings.map(({ message }) => message),
    ),
    ["device", describeDevice(device)],
    ["took", `${seconds.toFixed(1)} s`],
  ];
  return lines
    .filter(([, text]) => text)
    .map(([name, text]) => `  ${name.padEnd(14)}${text}\n`)
    .join("");
}

type Line = readonly [name: string, text: string | undefined];

function describeTraining(report: TrainingReport): Line[] {
  const { truncatedExamples, trainedParameters, backboneParameters, labelNames, verbalizer } = report;
  return [
    ["examples", describeExamples(report)],
    [
      "cut short",
      truncatedExamples === 0
        ? undefined
        : `${truncatedExamples} texts longer than the backbone reads; their start alone was learned`,
    ],
    [
      "label names",
      labelNames &&
        `${labelNames.taught ? "learned too" : "not learned"}: by them alone ${percent(labelNames.accuracy)} of the examples are told apart, by the other examples ${percent(labelNames.examplesAccuracy)}`,
    ],
    ["label words", verbalizer && describeVerbalizer(verbalizer)],
    ["insertions", describeInsertions(report)],
    [
      "trained",
      `${trainedParameters} numbers, ${percent(trainedParameters / backboneParameters)} of the backbone`,
    ],
  ];
}

function describeExamples({ examples, sampledFrom, classes }: TrainingReport): string {
  const drawn = sampledFrom === undefined ? "" : `, drawn from ${sampledFrom}`;
  return `${examples} of ${classes} labels${drawn}`;
}

/** As many words as fit a line. */
const WORDS_SHOWN_MAX = 8;

function describeVerbalizer({ template, words }: NonNullable<TrainingReport["verbalizer"]>): string {
  const shown = words.slice(0, WORDS_SHOWN_MAX).join(", ");
  return `${shown}${words.length > WORDS_SHOWN_MAX ? ", …" : ""} in "${template}"`;
}

function describeFigures({ validation, frozenProbe, heldOut }: TrainingReport, rowsOf: string): Line[] {
  const { calibration, outOfScope } = heldOut;
  return [
    [
      "held out",
      validation && `accuracy ${percent(validation.accuracy)} (${validation.n} rows of ${rowsOf})`,
    ],
    [
      "frozen probe",
      frozenProbe && `accuracy ${percent(frozenProbe.accuracy)} on the same rows, without insertions`,
    ],
    [
      "each once",
      validation && heldOut.n > validation.n
        ? `accuracy ${percent(heldOut.accuracy)}, every example held out once`
        : undefined,
    ],
    [
      "calibration",
      `scores are ${percent(calibration.errorAfter)} from the truth, ${percent(calibration.errorBefore)} without the temperature`,
    ],
    [
      "out of scope",
      outOfScope
        ? `told of each text; at least ${percent(outOfScope.expectedInScopeRecall)} of those in scope are expected to be kept`
        : "never: too few held-out rows to choose a threshold",
    ],
  ];
}

/** The name stands before the first alone. */
function listOf(name: string, texts: readonly string[]): Line[] {
  return texts.map((text, index) => [index === 0 ? name : "", text]);
}
