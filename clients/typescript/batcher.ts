// Single calls that come at about the same time → one request. For code that has a text at a time, and many of them.
import type { ClassifyBatchRequest, Prediction } from "#functions/api-types";
import type { Softgate } from "./client.ts";
import { SoftgateError } from "./error.ts";

type Asked = Omit<ClassifyBatchRequest["requests"][number], "inputs"> & {
  readonly input: string | { readonly text: string; readonly textPair: string };
};

export interface BatcherOptions {
  /** How long the first call waits for others. Default 5 ms. */
  readonly waitMs?: number;
  /** Of a request. Default 256; at most 1,000. */
  readonly textsMax?: number;
}

export interface BatchedAnswer extends Prediction {
  readonly version: number;
  readonly digest: string;
}

export interface Batcher {
  /** Rejects with SoftgateError of this text alone. */
  classify(asked: Asked): Promise<BatchedAnswer>;
}

interface Waiting {
  readonly asked: Asked;
  readonly resolve: (answer: BatchedAnswer) => void;
  readonly reject: (error: unknown) => void;
}

const WAIT_MS_DEFAULT = 5;
const TEXTS_DEFAULT = 256;
/** Of a request's parts, as JSON: less than a server takes, as something stands around them. */
const REQUEST_BYTES_MAX = 1_000_000;

const encoder = new TextEncoder();

export function createBatcher(
  softgate: Pick<Softgate, "classifyBatch">,
  { waitMs = WAIT_MS_DEFAULT, textsMax = TEXTS_DEFAULT }: BatcherOptions = {},
): Batcher {
  let waiting: Waiting[] = [];
  let waitingBytes = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    const taken = waiting;
    [waiting, waitingBytes] = [[], 0];
    void answerAll(softgate, taken);
  };
  return {
    classify: (asked) =>
      new Promise((resolve, reject) => {
        const bytes = encoder.encode(JSON.stringify(asked)).length + 1;
        if (waitingBytes + bytes > REQUEST_BYTES_MAX && waiting.length > 0) flush();
        waiting.push({ asked, resolve, reject });
        waitingBytes += bytes;
        if (waiting.length >= textsMax) flush();
        else timer ??= setTimeout(flush, waitMs);
      }),
  };
}

/** Never rejects: each call is told. */
async function answerAll(
  softgate: Pick<Softgate, "classifyBatch">,
  waiting: readonly Waiting[],
): Promise<void> {
  try {
    const requests = waiting.map(({ asked: { input, ...request } }) => ({ ...request, inputs: [input] }));
    const results = await softgate.classifyBatch(requests);
    for (const [index, { resolve, reject }] of waiting.entries()) {
      const result = results[index];
      if (!result) reject(new Error(`the server answered ${results.length} of ${waiting.length} requests`));
      else if ("error" in result) reject(new SoftgateError(result.error));
      else resolve(answerOf(result));
    }
  } catch (error) {
    for (const { reject } of waiting) reject(error);
  }
}

function answerOf({
  predictions: [prediction],
  version,
  digest,
}: Extract<Awaited<ReturnType<Softgate["classifyBatch"]>>[number], { version: number }>): BatchedAnswer {
  if (!prediction) throw new Error("the server answered a text without a prediction");
  return { ...prediction, version, digest };
}
