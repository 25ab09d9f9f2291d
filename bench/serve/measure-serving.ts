// How fast one batch of many tenants' texts is computed, against the bare backbone in the same rounds.
import type { Backbone, Encoding } from "#model";
import { packTexts } from "#model/encoder";
import { type Summary, summarize } from "../statistics.ts";
import { templateOf } from "../template.ts";
import { measureRounds, type Timings } from "./measure-rounds.ts";
import type { BatchTexts } from "./read-texts.ts";
import { createServeCases, SERVE_CASES, type ServeCaseName } from "./serve-cases.ts";

export interface MeasureServingRequest {
  readonly backbone: Backbone;
  readonly texts: BatchTexts;
  readonly residentCount: number;
  readonly threads: number;
  readonly warmUp: number;
  readonly rounds: number;
  readonly onProgress: (line: string) => void;
}

export interface ServeCaseResult {
  readonly case: ServeCaseName;
  readonly description: string;
  readonly milliseconds: Summary;
  /** Tokens/s over those of the bare backbone in the same round. */
  readonly ofBare: Summary;
  /** Of the texts' own tokens, at the median; prompt tokens are not counted. */
  readonly tokensPerSecond: number;
  readonly textsPerSecond: number;
}

export interface ServeResults {
  readonly texts: number;
  readonly textTokens: number;
  readonly cases: readonly ServeCaseResult[];
  /**
   * Of the case "mixed" to the bare backbone: the median of its rounds. `fastest` is of both cases' fastest
   * rounds: what else a machine does only adds time, so where it is not quiet that says what is undisturbed.
   */
  readonly ratio: {
    readonly value: number;
    readonly target: number;
    readonly met: boolean;
    readonly fastest: number;
  };
  /** Positions of the packed rows, row ends included: of bare and mixed alike, prompts stand beside them. */
  readonly positions: number;
  readonly residentBytes: number;
}

const RATIO_TARGET = 0.9;

export async function measureServing(request: MeasureServingRequest): Promise<ServeResults> {
  const { backbone, texts, residentCount, threads, warmUp, rounds, onProgress } = request;
  const template = templateOf(backbone.config);
  const encodings = texts.inputs.map((input) => backbone.tokenizer.encode(input, template));
  const textTokens = encodings.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
  onProgress(`Making ${residentCount} random adapters`);
  const cases = await createServeCases({
    ...{ backbone, encodings, residentCount, threads },
    inputs: texts.inputs,
  });
  try {
    onProgress(`Measuring ${rounds} rounds of ${texts.inputs.length} texts, ${textTokens} tokens`);
    const onRound = (round: number) => round % 5 === 0 && onProgress(`Round ${round} of ${rounds}`);
    const timings = await measureRounds(cases.run, { warmUp, rounds, onRound });
    const names = Object.keys(SERVE_CASES) as ServeCaseName[];
    const counts = { texts: texts.inputs.length, textTokens };
    const results = names.map((name) => caseResult(name, timings, counts));
    const mixed = results.find((result) => result.case === "mixed");
    const value = mixed?.ofBare.median ?? Number.NaN;
    const fastest = Math.min(...timings.bare) / Math.min(...timings.mixed);
    return {
      ...counts,
      cases: results,
      ratio: { value, target: RATIO_TARGET, met: value >= RATIO_TARGET, fastest },
      positions: countPositions(backbone, encodings),
      residentBytes: cases.residentBytes,
    };
  } finally {
    await cases.close();
  }
}

function caseResult(
  name: ServeCaseName,
  timings: Timings<ServeCaseName>,
  { texts, textTokens }: { texts: number; textTokens: number },
): ServeCaseResult {
  const milliseconds = summarize(timings[name]);
  const ofBare = timings.bare.map((bareMs, round) => bareMs / (timings[name][round] ?? Number.NaN));
  const perSecond = (count: number) => (1000 * count) / milliseconds.median;
  return {
    case: name,
    description: SERVE_CASES[name],
    milliseconds,
    ofBare: summarize(ofBare),
    tokensPerSecond: perSecond(textTokens),
    textsPerSecond: perSecond(texts),
  };
}

function countPositions({ config }: Backbone, encodings: readonly Encoding[]): number {
  const { rows, rowTokens } = packTexts(encodings, config);
  return rows * rowTokens;
}
