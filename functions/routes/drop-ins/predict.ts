// POST /predict: as text-embeddings-inference answers it, of the adapter that the server was started with as its
// default, in the caller's tenant. docs/how-to/clients.md has the mapping.
import { z } from "zod";
import type { TextInput } from "#model";
import { answerJson } from "../../answer-json.ts";
import type { AppContext } from "../../app-env.ts";
import { RequestError } from "../../errors.ts";
import type { ReshapedError, ReshapedProblem } from "../../middleware/reshape-problems.ts";
import { jsonAnswer, jsonBody, type Operation } from "../../openapi/operation.ts";
import { readJson } from "../../read-body.ts";
import type { Services } from "../../services.ts";
import { answerRequest } from "../classify/answer-request.ts";
import { CLASSIFY_ERRORS } from "../classify/classify.ts";
import { INPUTS_MAX, TOP_K_MAX, textSchema } from "../classify/request.ts";
import { scoredLabels, scoredLabelsSchema } from "./scored-labels.ts";

const oneOrTwo = z.union([z.tuple([textSchema]), z.tuple([textSchema, textSchema])]);

const predictRequestSchema = z.object({
  inputs: z.union(
    [
      textSchema,
      oneOrTwo,
      z.array(oneOrTwo).min(1).max(INPUTS_MAX, `must have at most ${INPUTS_MAX} texts or pairs`),
    ],
    "must be a text, a pair [text, text], or a list of such: [[text], [text, text], …]",
  ),
  /** Whether longer texts may be cut. */
  truncate: z.boolean().nullish(),
  raw_scores: z.boolean().nullish(),
});

export const predictOperation: Operation = {
  ...{
    id: "predict",
    tag: "drop-ins",
    summary: "As text-embeddings-inference classifies, with the server's default adapter",
  },
  changesNothing: true,
  body: jsonBody(predictRequestSchema),
  answers: {
    200: jsonAnswer(
      "A list of labels for a single input, a list of lists for a batch.",
      z.union([scoredLabelsSchema, z.array(scoredLabelsSchema)]),
    ),
  },
  errorForm: {
    schema: z.strictObject({
      error: z.string(),
      error_type: z.string(),
      code: z.string(),
      request_id: z.string(),
    }),
    statusOf,
  },
  errors: ["route_not_found", ...CLASSIFY_ERRORS],
};

export const predict = (services: Services, adapterId: string | undefined) => async (c: AppContext) => {
  if (adapterId === undefined) {
    throw new RequestError(
      "route_not_found",
      "This server has no default adapter: start it with --default-adapter ID, or name one: POST /models/ID.",
    );
  }
  const { inputs: given, truncate, raw_scores: isRaw } = await readJson(c, predictRequestSchema);
  const isBatch = Array.isArray(given) && Array.isArray(given[0]);
  const inputs = (isBatch ? given : [given]).map((one) => inputOf(one as string | readonly string[]));
  const asked = { adapterId, inputs, topK: TOP_K_MAX };
  const answer = await answerRequest(services, asked, { tenant: c.get("tenant"), scope: c.get("scope") });
  c.set("adapterDigest", answer.digest);
  c.header("Softgate-Adapter-Digest", answer.digest);
  const tooLong = answer.predictions.findIndex(({ truncated }) => truncated);
  if (tooLong !== -1 && !truncate) {
    throw new RequestError(
      "payload_too_large",
      `inputs[${tooLong}] has more tokens than the encoder takes. Send truncate: true to have it cut.`,
    );
  }
  const scored = answer.predictions.map((prediction) => scoredLabels(prediction, isRaw ? "none" : "softmax"));
  return answerJson(c, isBatch ? scored : scored[0]);
};

function inputOf(given: string | readonly string[]): TextInput {
  const [text = "", textPair] = typeof given === "string" ? [given] : given;
  return textPair === undefined ? text : { text, textPair };
}

const typeByStatus: Readonly<Record<number, string>> = {
  413: "Validation",
  422: "Tokenizer",
  429: "Overloaded",
};

export function predictError({ status, code, detail, requestId }: ReshapedProblem): ReshapedError {
  const told = statusOf(status);
  return {
    status: told,
    body: { error: detail, error_type: typeByStatus[told] ?? "Backend", code, request_id: requestId },
  };
}

/** What is wrong with a body is 422 there, and 429 what the server has no room for. */
function statusOf(status: number): number {
  if (status === 400) return 422;
  return status === 503 ? 429 : status;
}
