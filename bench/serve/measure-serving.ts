// How fast one batch of many tenants' texts is computed, against the bare backbone in the same rounds.
import type { Backbone, Encoding } from "#model";
import { packTexts } from "#model/encoder";
import type { BenchIo } from "../io.ts";
import type { OpenedBackbone } from "../open-backbone.ts";
import { type Summary, summarize } from "../statistics.ts";
import { templateOf } from "../template.ts";
import { measureRounds, type Timings } from "./measure-rounds.ts";
import type { BatchTexts } from "./read-texts.ts";
import { createServeCases, SERVE_CASES, type ServeCaseName } from "./serve-cases.ts";
import type { ServePeer } from "./serve-peers.ts";

export interface MeasureServingRequest {
  readonly backbone: OpenedBackbone;
  readonly peers: readonly ServePeer[];
  readonly texts: BatchTexts;
  readonly residentCount: number;
  readonly threads: number;
  readonly warmUp: number;
  readonly rounds: number;
  readonly io: BenchIo;
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

/**
 * The tokens/s of one case over another's: the median of the rounds. `fastest` is of both cases' fastest
 * rounds: what else a machine does only adds time, so where it is not quiet that says what is undisturbed.
 */
export interface ServeRatio {
  readonly of: ServeCaseName;
  readonly to: ServeCaseName;
  readonly value: number;
  readonly target: number;
  readonly met: boolean;
  readonly fastest: number;
}

export interface ServeResults {
  readonly texts: number;
  readonly textTokens: number;
  readonly cases: readonly ServeCaseResult[];
  readonly ratios: readonly ServeRatio[];
  /** Positions of the packed rows, row ends included: of bare and mixed alike, prompts stand beside them. */
  readonly positions: number;
  readonly residentBytes: number;
}

/** What each is to reach, of what. */
const TARGETS = [
  { of: "mixed", to: "bare", target: 0.95 },
  { of: "mixedInt8", to: "bare", target: 1.3 },
  { of: "residentInt8", to: "bare", target: 1.3 },
  { of: "scalesInt8", to: "bare", target: 1.4 },
  { of: "residentInt8", to: "singleInt8", target: 0.97 },
  { of: "classify", to: "transformers_js", target: 2.5 },
  { of: "classify", to: "peft", target: 5 },
] as const satisfies readonly Pick<ServeRatio, "of" | "to" | "target">[];

export async function measureServing(request: MeasureServingRequest): Promise<ServeResults> {
  const { backbone: opened, texts, residentCount, threads, warmUp, rounds, peers, io } = request;
  const { backbone } = opened;
  const onProgress = (line: string) => io.stderr(`${line}\n`);
  const template = templateOf(backbone.config);
  const encodings = texts.inputs.map((input) => backbone.tokenizer.encode(input, template));
  const textTokens = encodings.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
  onProgress(`Making ${residentCount} random adapters`);
  const cases = await createServeCases({
    ...{ opened, encodings, residentCount, threads, peers, io },
    inputs: texts.inputs,
  });
  try {
    onProgress(`Measuring ${rounds} rounds of ${texts.inputs.length} texts, ${textTokens} tokens`);
    const onRound = (round: number) => round % 5 === 0 && onProgress(`Round ${round} of ${rounds}`);
    const timings = await measureRounds(cases.run, { warmUp, rounds, onRound });
    const names = (Object.keys(SERVE_CASES) as ServeCaseName[]).filter((name) => timings.has(name));
    const counts = { texts: texts.inputs.length, textTokens };
    const results = names.map((name) => caseResult(name, timings, counts));
    return {
      ...counts,
      cases: results,
      ratios: TARGETS.filter(({ to }) => timings.has(to)).map((target) => ratioOf(target, timings)),
      positions: countPositions(backbone, encodings),
      residentBytes: cases.residentBytes,
    };
  } finally {
    await cases.close();
  }
}

function ratioOf(
  { of, to, target }: Pick<ServeRatio, "of" | "to" | "target">,
  timings: Timings<ServeCaseName>,
): ServeRatio {
  const [own, others] = [timesOf(timings, of), timesOf(timings, to)];
  const value = summarize(speedups(own, others)).median;
  const fastest = Math.min(...others) / Math.min(...own);
  return { of, to, value, target, met: value >= target, fastest };
}

function timesOf(timings: Timings<ServeCaseName>, name: ServeCaseName): readonly number[] {
  return timings.get(name) ?? [];
}

/** How many times as fast as `others` each round was. */
function speedups(own: readonly number[], others: readonly number[]): number[] {
  return others.map((ms, round) => ms / (own[round] ?? Number.NaN));
}

function caseResult(
  name: ServeCaseName,
  timings: Timings<ServeCaseName>,
  { texts, textTokens }: { texts: number; textTokens: number },
): ServeCaseResult {
  const milliseconds = summarize(timesOf(timings, name));
  const perSecond = (count: number) => (1000 * count) / milliseconds.median;
  return {
    case: name,
    description: SERVE_CASES[name],
    milliseconds,
    ofBare: summarize(speedups(timesOf(timings, name), timesOf(timings, "bare"))),
    tokensPerSecond: perSecond(textTokens),
    textsPerSecond: perSecond(texts),
  };
}

function countPositions({ config }: Backbone, encodings: readonly Encoding[]): number {
  const { rows, rowTokens } = packTexts(encodings, config);
  return rows * rowTokens;
}
