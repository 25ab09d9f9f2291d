// Any number of lines → their answers, in order. They travel in requests of some hundred lines, a few at once: so it works
// where a body cannot be streamed while an answer is read (browsers), a request that fails is sent again by itself, and no
// more lines are read than answers are taken.
import type { StreamAnswer, StreamLine } from "#functions/api-types";
import { SoftgateError } from "./error.ts";
import { type SoftgateOptions, send } from "./send.ts";

export interface LinesOptions {
  /** Of lines that name none. */
  readonly adapterId?: string;
  /** Default 100, which is also the most. */
  readonly topK?: number;
  readonly signal?: AbortSignal;
}

/** The server answers so many in some forward passes. */
const LINES_PER_REQUEST = 256;
const REQUESTS_AT_ONCE = 2;

export async function* classifyLines(
  options: SoftgateOptions,
  lines: Iterable<StreamLine> | AsyncIterable<StreamLine>,
  lineOptions: LinesOptions,
): AsyncGenerator<StreamAnswer> {
  const asked: Promise<StreamAnswer[]>[] = [];
  let firstLine = 1;
  for await (const group of groupsOf(lines)) {
    const answers = askGroup(options, group, { ...lineOptions, firstLine });
    // Looked at below, in its turn.
    answers.catch(() => undefined);
    asked.push(answers);
    firstLine += group.length;
    if (asked.length >= REQUESTS_AT_ONCE) yield* (await asked.shift()) ?? [];
  }
  for (const answers of asked) yield* await answers;
}

/** Rejects with SoftgateError where the server ended the stream before its last line. */
async function askGroup(
  options: SoftgateOptions,
  group: readonly StreamLine[],
  { adapterId, topK, signal, firstLine }: LinesOptions & { firstLine: number },
): Promise<StreamAnswer[]> {
  const response = await send(options, {
    method: "POST",
    path: "/v1/classify",
    query: { adapterId, topK },
    headers: { "Content-Type": "application/x-ndjson" },
    body: group.map((line) => `${JSON.stringify(line)}\n`).join(""),
    isRepeatable: true,
    signal,
  });
  const text = await response.text();
  const answers = text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as StreamAnswer]));
  const ended = answers.find((answer) => "error" in answer && answer.line === undefined);
  if (ended && "error" in ended) throw new SoftgateError(ended.error);
  if (answers.length !== group.length) {
    const detail = `The server answered ${answers.length} of ${group.length} lines.`;
    throw new SoftgateError({ status: response.status, code: "unexpected_answer", detail });
  }
  return answers.map((answer) => numberedFrom(firstLine, answer));
}

/** The server counts the lines of its request. */
function numberedFrom(firstLine: number, answer: StreamAnswer): StreamAnswer {
  if (!("error" in answer) || answer.line === undefined) return answer;
  return { ...answer, line: answer.line + firstLine - 1 };
}

async function* groupsOf(
  lines: Iterable<StreamLine> | AsyncIterable<StreamLine>,
): AsyncGenerator<StreamLine[]> {
  let group: StreamLine[] = [];
  for await (const line of lines) {
    group.push(line);
    if (group.length < LINES_PER_REQUEST) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
