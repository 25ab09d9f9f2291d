// Several requests in one call, each answered on its own: one that fails does not fail the others.
import { CLASSIFY_MS_DEFAULT } from "#model";
import type { Services } from "../../services.ts";
import { answerRequest, type Caller, failureOf } from "./answer-request.ts";
import type { ClassifyBatch } from "./request.ts";
import type { ClassifyBatchAnswer } from "./response.ts";

/** Adapters that a batch has resolved and loaded at once; their texts together fill a forward pass. */
const REQUESTS_IN_FLIGHT_MAX = 64;

type Result = ClassifyBatchAnswer["results"][number];

/** All within the time of one request. `onFault` is told of failures that are not the caller's. */
export async function answerBatch(
  services: Services,
  { requests }: ClassifyBatch,
  { timeoutMs = CLASSIFY_MS_DEFAULT, ...caller }: Caller & { readonly onFault: (error: unknown) => void },
): Promise<ClassifyBatchAnswer> {
  const deadlineMs = performance.now() + timeoutMs;
  const results = new Array<Result>(requests.length);
  const queue = requests.entries();
  const worker = async () => {
    for (const [index, request] of queue) {
      const leftMs = Math.max(1, deadlineMs - performance.now());
      const { adapterId } = request;
      results[index] = await answerRequest(services, request, { ...caller, timeoutMs: leftMs }).catch(
        (error: unknown) => {
          caller.onFault(error);
          return { adapterId, error: failureOf(error) };
        },
      );
    }
  };
  await Promise.all(Array.from({ length: Math.min(REQUESTS_IN_FLIGHT_MAX, requests.length) }, worker));
  return { results };
}
