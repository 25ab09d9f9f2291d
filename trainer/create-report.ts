// What a training says of itself, put together at its end.
import { type Adapter, type Backbone, layersOf, weightsOfInsertion } from "#model";
import { adviseExamples } from "./advise-examples.ts";
import type { Dataset } from "./dataset/dataset.ts";
import type { LabelNamesReport } from "./label-names.ts";
import type { PhaseClock } from "./phase-clock.ts";
import {
  type ComparisonReport,
  GATE_HISTORY_MAX,
  type HeldOutReport,
  type TrainingReport,
} from "./report.ts";
import { sampleEvenly } from "./sample-evenly.ts";
import type { SearchResult } from "./spt/search-insertions.ts";
import type { TrainRequest } from "./train.ts";
import { type Candidate, type HeldOutFigures, hasInsertions } from "./validate-candidates.ts";

export function createReport(
  { dataset, options, backbone, device }: Pick<TrainRequest, "dataset" | "options" | "backbone" | "device">,
  parts: {
    adapter: Adapter;
    search: SearchResult | undefined;
    sampledFrom: number | undefined;
    truncatedExamples: number;
    labelNames: LabelNamesReport | undefined;
    verbalizer: TrainingReport["verbalizer"];
    figures: readonly HeldOutFigures[];
    chosen: HeldOutFigures;
    isPreferred: (candidate: Candidate) => boolean;
    heldOut: HeldOutReport;
    comparison: ComparisonReport | undefined;
    clock: PhaseClock;
  },
): TrainingReport {
  const {
    adapter,
    search,
    sampledFrom,
    truncatedExamples,
    labelNames,
    verbalizer,
    figures,
    chosen,
    isPreferred,
    heldOut,
    comparison,
    clock,
  } = parts;
  const history = search?.history ?? [];
  const probe = figures.find(({ candidate }) => candidate === undefined);
  return {
    method: options.method ?? "auto",
    seed: options.seed,
    examples: dataset.examples.length,
    ...(sampledFrom === undefined ? {} : { sampledFrom }),
    truncatedExamples,
    classes: dataset.labels.length,
    ...(labelNames ? { labelNames } : {}),
    ...(verbalizer ? { verbalizer } : {}),
    promptLayers: layersOf(adapter.insertions, "prompt_generator"),
    scaleShiftLayers: layersOf(adapter.insertions, "scale_shift"),
    lowRankLayers: layersOf(adapter.insertions, "low_rank"),
    gates: search?.gates ?? [],
    gateHistory: sampleEvenly(
      history.map((values, index) => ({ step: index + 1, values })),
      GATE_HISTORY_MAX,
    ),
    trainedParameters: trainedParameters(adapter),
    backboneParameters: backboneParameters(backbone),
    phases: clock.finish(),
    validation: accuracyOf(chosen),
    heldOut,
    ...(comparison ? { comparison } : {}),
    advice: adviseExamples({ ...heldOut, examples: countByLabel(dataset) }),
    warnings: dataset.warnings,
    ...(probe ? { frozenProbe: accuracyOf(probe) } : {}),
    candidates: figures.map((figure) => ({
      ...(hasInsertions(figure.candidate) ? figure.candidate : {}),
      ...(figure.candidate === "label_words" ? { labelWords: true as const } : {}),
      accuracy: figure.accuracy,
      macroF1: figure.macroF1,
      loss: figure.loss,
      ...(isPreferred(figure.candidate) ? { preferred: true as const } : {}),
      chosen: figure === chosen,
    })),
    temperature: chosen.temperature,
    device: device ?? { used: "cpu" },
    seconds: clock.seconds(),
  };
}

function countByLabel({ examples, labels }: Dataset): Map<string, number> {
  const counts = new Map(labels.map((label) => [label, 0]));
  for (const { label } of examples) {
    const name = labels[label] ?? "";
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

function accuracyOf({ accuracy, macroF1, n }: HeldOutFigures) {
  return { accuracy, macroF1, n };
}

function trainedParameters({ insertions, head }: Adapter): number {
  const arrays = [...insertions.flatMap(weightsOfInsertion), head.weight_CD, head.bias_C];
  return arrays.reduce((sum, { length }) => sum + length, 0);
}

function backboneParameters({ weights }: Backbone): number {
  const linears = weights.layers.flatMap((layer) => [
    layer.query,
    layer.key,
    layer.value,
    layer.attentionOutput,
    layer.feedForwardIn,
    layer.feedForwardOut,
  ]);
  const norms = [
    weights.embeddingNorm,
    ...weights.layers.flatMap((layer) => [layer.attentionNorm, layer.outputNorm]),
  ];
  const { dense, norm, bias_V } = weights.maskHead ?? {};
  const maskHead = [dense?.weight, dense?.bias, norm?.gamma_D, norm?.beta_D, bias_V];
  return (
    maskHead.reduce((sum, values) => sum + (values?.length ?? 0), 0) +
    weights.tokenEmbedding_VD.length +
    weights.positionEmbedding.length +
    (weights.typeEmbedding?.length ?? 0) +
    (weights.relativeBias?.length ?? 0) +
    linears.reduce((sum, { weight, bias }) => sum + weight.length + bias.length, 0) +
    norms.reduce((sum, { gamma_D, beta_D }) => sum + gamma_D.length + beta_D.length, 0)
  );
}
