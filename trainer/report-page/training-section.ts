// What was tried and how it went: candidates, selected layers with the history of their gates, losses.
import { INSERTION_KINDS } from "#model";
import { describeDevice } from "../device/describe-device.ts";
import type { CandidateReport, GateReport, TrainingPhase, TrainingReport } from "../report.ts";
import { figure, percent, whole } from "./format.ts";
import { LINE_BOX, LINE_COLORS, type Line, linePlot } from "./line-plot.ts";
import { type Markup, markup } from "./markup.ts";
import { type Axis, figureOf, tableOf } from "./plot.ts";

export function trainingSection(report: TrainingReport): Markup {
  const { labelNames, verbalizer, trainedParameters, backboneParameters, device } = report;
  const names =
    labelNames &&
    markup`<p>The labels' names were ${labelNames.taught ? "learned too" : "not learned"}: by them alone ${percent(labelNames.accuracy)} of the examples are told apart, by the other examples ${percent(labelNames.examplesAccuracy)}.</p>
`;
  return markup`<section>
<h2>Training</h2>
<p>Method ${report.method}, seed ${report.seed}. ${selectedWords(report)} ${whole(trainedParameters)} numbers were learned, ${figure((100 * trainedParameters) / backboneParameters)} % of the backbone's. Device: ${describeDevice(device)}.</p>
${names}${verbalizer && labelWords(verbalizer)}<div class="wide">${candidatesTable(report.candidates)}</div>
${whyChosen(report)}${gatesFigure(report)}${lossFigures(report)}<div class="wide">${phasesTable(report)}</div>
</section>
`;
}

function labelWords({ template, words }: NonNullable<TrainingReport["verbalizer"]>): Markup {
  return markup`<p>The backbone was asked for label words, in the order of the labels: ${words.join(", ")}. Each text stood in the template <code>${template}</code>.</p>
`;
}

function selectedWords({ promptLayers, scaleShiftLayers, lowRankLayers }: TrainingReport): string {
  const parts = [
    ...(promptLayers.length > 0 ? [`prompts at layers ${promptLayers.join(", ")}`] : []),
    ...(scaleShiftLayers.length > 0 ? [`scales and shifts at layers ${scaleShiftLayers.join(", ")}`] : []),
    ...(lowRankLayers.length > 0 ? [`low-rank updates at layers ${lowRankLayers.join(", ")}`] : []),
  ];
  return parts.length > 0 ? `Selected: ${parts.join("; ")}.` : "No insertions: the head alone.";
}

function candidatesTable(candidates: readonly CandidateReport[]): Markup {
  const rows = candidates.map((candidate) => [
    insertionsWords(candidate),
    candidate.learningRate === undefined ? "–" : String(candidate.learningRate),
    percent(candidate.accuracy),
    percent(candidate.macroF1),
    figure(candidate.loss),
    candidate.chosen ? "chosen" : "",
  ]);
  const heading = ["Insertions", "Learning rate", "Accuracy", "Macro-F1", "Loss", ""];
  return tableOf("What was tried, on the held-out rows that decided", heading, rows, [5]);
}

function whyChosen({ candidates, method }: TrainingReport): Markup {
  const preferred = candidates.find((candidate) => candidate.preferred);
  const always =
    "Method spt always has prompts: the most accurate of what has some is chosen, of equals the one of least loss.";
  const why =
    method === "spt"
      ? always
      : preferred
        ? `The most accurate is chosen, but “${insertionsWords(preferred)}” gives way only to what is better by more than two standard errors: on few rows the best of several is best by luck.`
        : "The most accurate is chosen, of equals the one of least loss.";
  return markup`<p>${why}</p>
`;
}

function insertionsWords({ insertions, labelWords: asTheyAre }: CandidateReport): string {
  if (asTheyAre) return "none: the label words as they are";
  if (!insertions || insertions.length === 0) return "none: the head alone";
  const layers = (kind: GateReport["kind"]) =>
    insertions.filter((one) => one.kind === kind).map(({ layer }) => layer);
  const [prompts, scales, updates] = [layers("prompt_generator"), layers("scale_shift"), layers("low_rank")];
  return [
    ...(prompts.length > 0 ? [`prompts at ${prompts.join(", ")}`] : []),
    ...(scales.length > 0 ? [`scales and shifts at ${scales.join(", ")}`] : []),
    ...(updates.length > 0 ? [`low-rank updates at ${updates.join(", ")}`] : []),
  ].join("; ");
}

/** One plot a kind of insertion, so that lines stay apart. */
function gatesFigure(report: TrainingReport): Markup[] {
  if (report.gates.length === 0 || report.gateHistory.length === 0) {
    return [
      markup`<p>There was no search: the insertions that were tried were given, so there is no history of gates.</p>
`,
    ];
  }
  return INSERTION_KINDS.flatMap((kind) => gatesOfKind(report, kind));
}

const KIND_NAMES = {
  prompt_generator: "prompt generators",
  scale_shift: "scales and shifts",
  low_rank: "low-rank updates",
} satisfies Record<GateReport["kind"], string>;

function selectedLayers(report: TrainingReport): Record<GateReport["kind"], readonly number[]> {
  return {
    prompt_generator: report.promptLayers,
    scale_shift: report.scaleShiftLayers,
    low_rank: report.lowRankLayers,
  };
}

function gatesOfKind(report: TrainingReport, kind: GateReport["kind"]): Markup[] {
  const { gates, gateHistory } = report;
  const selected = selectedLayers(report)[kind];
  const own = gates.map((gate, index) => ({ ...gate, index })).filter((gate) => gate.kind === kind);
  if (own.length === 0) return [];
  const lines = own.map(
    ({ layer, index }): Line => ({
      name: `layer ${layer}`,
      points: gateHistory.map(({ step, values }) => ({ x: step, y: values[index] ?? 0 })),
      color: layer % LINE_COLORS,
      faint: !selected.includes(layer),
    }),
  );
  const rows = gateHistory.map(({ step, values }) => [
    ...[step, ...own.map(({ index }) => (values[index] ?? 0).toFixed(3))],
  ]);
  const title = `Gates of the ${KIND_NAMES[kind]}`;
  const drawn = figureOf({
    id: `gates-${kind}`,
    title,
    description: own.map(({ layer, value }) => `Layer ${layer} ends at ${value.toFixed(3)}.`).join(" "),
    box: LINE_BOX,
    drawing: linePlot(lines, stepsAxis(lines), rangeAxis("gate", lines, 3)),
    caption: `${title} over the steps of the search, one line a layer; broken lines are not part of the adapter.`,
    table: tableOf(title, ["Step", ...own.map(({ layer }) => `Layer ${layer}`)], rows),
  });
  return [
    markup`<h3>${title}</h3>
${drawn}`,
  ];
}

const PHASE_NAMES = {
  embed: "embed",
  search: "search",
  validate: "validate: each candidate and part starts anew",
  retrain: "retrain: the adapter itself",
  head: "head",
  report: "report: on the other half, for the figures alone",
} satisfies Record<TrainingPhase, string>;

function lossFigures({ phases }: TrainingReport): Markup {
  const lines = phases.flatMap(({ name, lossHistory = [] }, index): Line[] =>
    lossHistory.length > 0
      ? [
          {
            name,
            points: lossHistory.map(({ step, loss }) => ({ x: step, y: loss })),
            color: index % LINE_COLORS,
          },
        ]
      : [],
  );
  if (lines.length === 0)
    return markup`<p>Nothing was tuned, so there is no history of losses.</p>
`;
  const tables = phases.map(({ name, lossHistory = [] }) =>
    lossHistory.length === 0
      ? undefined
      : tableOf(
          PHASE_NAMES[name],
          ["Step", "Loss"],
          lossHistory.map(({ step, loss }) => [step, figure(loss)]),
        ),
  );
  const drawn = figureOf({
    id: "loss",
    title: "Loss over steps",
    description: lines
      .map(({ name, points }) => `${name} ends at ${figure(points.at(-1)?.y ?? 0)}.`)
      .join(" "),
    box: LINE_BOX,
    drawing: linePlot(lines, stepsAxis(lines), { ...rangeAxis("loss", lines, 2), from: 0 }),
    caption:
      "The running mean of the loss, each phase from its first step. In the phase validate each candidate and part starts anew; terms of the loss differ between phases.",
    table: markup`${tables}`,
  });
  return markup`<h3>Loss</h3>
${drawn}`;
}

function stepsAxis(lines: readonly Line[]): Axis {
  const steps = lines.flatMap(({ points }) => points.map(({ x }) => x));
  return { label: "step", from: 0, to: Math.max(1, ...steps), format: whole };
}

/** As wide as the values, and a little more. */
function rangeAxis(label: string, lines: readonly Line[], digits: number): Axis {
  const values = lines.flatMap(({ points }) => points.map(({ y }) => y));
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const margin = Math.max((most - least) * 0.05, 10 ** -digits);
  const format = (value: number) => String(Number(value.toFixed(digits)));
  return { label, from: least - margin, to: most + margin, format };
}

function phasesTable({ phases, seconds }: TrainingReport): Markup {
  const rows = phases.map((phase) => [
    ...[phase.name, whole(phase.steps), phase.loss === undefined ? "–" : figure(phase.loss)],
    phase.seconds.toFixed(1),
  ]);
  return tableOf(`Phases, ${seconds.toFixed(1)} s in all`, ["Phase", "Steps", "Last loss", "Seconds"], rows);
}
