// Some lines of a stream → as many answers, in order. A line that cannot be answered gets its error, and no other line
// with it. Where the classifier has no room the lines wait: a stream is slowed, it does not fail.
import { ModelError, OverloadError, type TextInput } from "#model";
import type { Line } from "#trainer/dataset";
import { RequestError } from "../../errors.ts";
import { parseInput } from "../../parse-input.ts";
import { parseJson } from "../../read-body.ts";
import type { Services } from "../../services.ts";
import { answerRequest, type Caller, failureOf } from "./answer-request.ts";
import { lineWithIdSchema, type StreamLine, streamLineSchema } from "./request.ts";
import type { ClassifyAnswer, StreamAnswer } from "./response.ts";

/** Two texts of their full length, each character escaped. */
export const LINE_BYTES_MAX = 256 * 1024;
/** Between two attempts to find room. */
const PATIENCE_MS_MIN = 100;
const PATIENCE_MS_MAX = 2_000;

export interface LinesOptions extends Omit<Caller, "onResolved"> {
  /** Of lines that do not say. */
  readonly defaults: { readonly adapterId?: string; readonly topK: number };
  /** Aborted when nobody waits for answers any more. */
  readonly signal: AbortSignal;
  /** Told of failures that are not the caller's. */
  readonly onFault: (error: unknown) => void;
}

interface Asked {
  readonly index: number;
  readonly line: StreamLine;
  readonly adapterId: string;
  readonly topK: number;
}

/** Rejects only when aborted. */
export async function answerLines(
  services: Services,
  lines: readonly Line[],
  options: LinesOptions,
): Promise<StreamAnswer[]> {
  const answers = new Array<StreamAnswer>(lines.length);
  const fail = (index: number, error: unknown, id?: StreamLine["id"]) => {
    const number = lines[index]?.number;
    answers[index] = { ...(number && { line: number }), ...withId(id), error: failureOf(error) };
  };
  const asked = lines.flatMap((line, index) => {
    try {
      return parseLine(line, { index, ...options.defaults });
    } catch (error) {
      fail(index, error, idOf(line));
      return [];
    }
  });
  const answerTogether = async (together: readonly Asked[]): Promise<void> => {
    try {
      const answer = await answerPatiently(services, together, options);
      for (const [at, { index, line }] of together.entries())
        answers[index] = lineAnswer(answer, at, line.id);
    } catch (error) {
      options.signal.throwIfAborted();
      // One of them is to blame, and the others are not.
      if (together.length > 1 && error instanceof ModelError && error.code === "pair_required") {
        await Promise.all(together.map((one) => answerTogether([one])));
        return;
      }
      options.onFault(error);
      for (const { index, line } of together) fail(index, error, line.id);
    }
  };
  const groups = Map.groupBy(asked, ({ adapterId, topK }) => `${topK} ${adapterId}`);
  await Promise.all([...groups.values()].map(answerTogether));
  return answers;
}

/** Throws RequestError invalid_request or payload_too_large. */
function parseLine(
  { bytes }: Line,
  { index, ...defaults }: { index: number; adapterId?: string; topK: number },
): Asked {
  if (!bytes) {
    throw new RequestError(
      "payload_too_large",
      `The line is longer than ${LINE_BYTES_MAX / 1024} KiB, the limit.`,
    );
  }
  const line = parseInput(streamLineSchema, parseJson(bytes, "line"));
  const { adapterId = defaults.adapterId, topK = defaults.topK } = line;
  if (adapterId !== undefined) return { index, line, adapterId, topK };
  throw new RequestError(
    "invalid_request",
    "adapterId: is required, in the line, or for all lines in the query: ?adapterId=NAME",
  );
}

/** Of a line that is refused. */
function idOf({ bytes }: Line): StreamLine["id"] {
  try {
    return bytes && lineWithIdSchema.parse(parseJson(bytes, "line")).id;
  } catch {
    return undefined;
  }
}

async function answerPatiently(
  services: Services,
  together: readonly Asked[],
  { signal, ...caller }: LinesOptions,
): Promise<ClassifyAnswer> {
  const [first] = together;
  if (!first) throw new Error("invariant: lines of an adapter are at least one");
  const { adapterId, topK } = first;
  const inputs = together.map(({ line }) => inputOf(line));
  for (let waitMs = PATIENCE_MS_MIN; ; waitMs = Math.min(2 * waitMs, PATIENCE_MS_MAX)) {
    signal.throwIfAborted();
    try {
      return await answerRequest(services, { adapterId, inputs, topK }, caller);
    } catch (error) {
      if (!(error instanceof OverloadError)) throw error;
      // Not all streams at the same moment.
      await wait(waitMs * (0.5 + Math.random() / 2), signal);
    }
  }
}

function inputOf({ text, textPair }: StreamLine): TextInput {
  return textPair === undefined ? text : { text, textPair };
}

function lineAnswer(
  { adapterId, version, predictions }: ClassifyAnswer,
  at: number,
  id: StreamLine["id"],
): StreamAnswer {
  const prediction = predictions[at];
  if (!prediction) throw new Error(`invariant: line ${at} of ${predictions.length} has a prediction`);
  return { ...withId(id), ...prediction, adapterId, version };
}

function withId(id: StreamLine["id"]): { id?: string | number } {
  return id === undefined ? {} : { id };
}

/** Rejects with the signal's reason when it is aborted first. */
function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal.addEventListener("abort", stop, { once: true });
  });
}
