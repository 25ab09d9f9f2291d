// POST /v1/classify: one request, a batch of them, or a stream of lines. The digest of what answered goes into every
// response of the first kind, and the version into every other's parts.
import { z } from "zod";
import { CLASSIFY_MS_MAX } from "#model";
import { digestSchema } from "#registry";
import { answerJson } from "../../answer-json.ts";
import type { AppContext } from "../../app-env.ts";
import { RequestError } from "../../errors.ts";
import { logFault } from "../../log-fault.ts";
import { isLineByLine } from "../../media-type.ts";
import { type Operation, SIGNATURE_ERRORS } from "../../openapi/operation.ts";
import { parseInput } from "../../parse-input.ts";
import { readJsonValue } from "../../read-body.ts";
import type { Services } from "../../services.ts";
import { answerBatch } from "./answer-batch.ts";
import { answerRequest } from "./answer-request.ts";
import { classifyStream } from "./classify-stream.ts";
import { classifyBatchSchema, classifyRequestSchema, streamQuerySchema } from "./request.ts";
import { classifyAnswerSchema, classifyBatchAnswerSchema } from "./response.ts";
import { StreamShares } from "./stream-shares.ts";

/** Of every route that classifies. */
export const CLASSIFY_ERRORS = [
  ...(["invalid_reference", "adapter_not_found", "alias_not_found", "version_not_found"] as const),
  ...(["backbone_mismatch", "pair_required", "classifier_overloaded"] as const),
  ...(["classifier_tenant_overloaded", "text_rate_exceeded", "deadline_unmet"] as const),
  ...SIGNATURE_ERRORS,
];

const linesSchema = z.string().meta({
  description: "Lines of JSON, one for each text and one for its answer, in order: docs/how-to/batch.md.",
});

export const classifyOperation: Operation = {
  ...{
    id: "classify",
    tag: "classify",
    summary: "Classifies texts: of one adapter, of several, or line by line",
  },
  changesNothing: true,
  query: streamQuerySchema,
  headers: z.object({
    "softgate-timeout-ms": z
      .string()
      .regex(/^[1-9]\d{0,8}$/)
      .meta({ description: `Milliseconds that the caller will wait, at most ${CLASSIFY_MS_MAX}.` })
      .exactOptional(),
  }),
  body: {
    content: {
      "application/json": z.union([classifyRequestSchema, classifyBatchSchema]),
      "application/x-ndjson": linesSchema,
    },
  },
  answers: {
    200: {
      description: "A prediction for each text, in their order; of a batch a result for each request.",
      content: {
        "application/json": z.union([classifyAnswerSchema, classifyBatchAnswerSchema]),
        "application/x-ndjson": linesSchema,
      },
      headers: z.object({ "softgate-adapter-digest": digestSchema.exactOptional() }),
    },
  },
  errors: ["too_many_line_streams", ...CLASSIFY_ERRORS],
};

export const classify = (services: Services) => {
  const shares = new StreamShares();
  return async (c: AppContext) => {
    if (isLineByLine(c.req.path, c.req.header("content-type"))) return classifyStream(c, services, shares);
    const body = await readJsonValue(c);
    return isBatch(body) ? classifyBatch(c, services, body) : classifyOne(c, services, body);
  };
};

function isBatch(body: unknown): boolean {
  return typeof body === "object" && body !== null && Object.hasOwn(body, "requests");
}

async function classifyOne(c: AppContext, services: Services, body: unknown): Promise<Response> {
  const request = parseInput(classifyRequestSchema, body);
  const answer = await answerRequest(services, request, {
    ...callerOf(c),
    onResolved: ({ digest }) => c.set("adapterDigest", digest),
  });
  c.header("Softgate-Adapter-Digest", answer.digest);
  return answerJson(c, answer);
}

async function classifyBatch(c: AppContext, services: Services, body: unknown): Promise<Response> {
  const batch = parseInput(classifyBatchSchema, body);
  const onFault = (error: unknown) => logFault(services.log, c, error);
  return answerJson(c, await answerBatch(services, batch, { ...callerOf(c), onFault }));
}

function callerOf(c: AppContext) {
  return { tenant: c.get("tenant"), scope: c.get("scope"), timeoutMs: readTimeout(c) };
}

/** Milliseconds that the caller will wait: the header Softgate-Timeout-Ms. Half a minute without it. */
function readTimeout(c: AppContext): number | undefined {
  const header = c.req.header("softgate-timeout-ms");
  if (header === undefined) return undefined;
  const timeoutMs = /^\d{1,9}$/.test(header) ? Number(header) : 0;
  if (timeoutMs >= 1 && timeoutMs <= CLASSIFY_MS_MAX) return timeoutMs;
  throw new RequestError(
    "invalid_request",
    `Softgate-Timeout-Ms: must be a whole number from 1 to ${CLASSIFY_MS_MAX}`,
  );
}
