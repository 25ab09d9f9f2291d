// POST /models/:adapterId: text classification as clients of Hugging Face's inference API ask for it.
// docs/how-to/clients.md has the mapping, and what is not supported.
import { z } from "zod";
import { answerJson } from "../../answer-json.ts";
import type { AppContext } from "../../app-env.ts";
import type { ReshapedError, ReshapedProblem } from "../../middleware/reshape-problems.ts";
import { jsonAnswer, jsonBody, type Operation } from "../../openapi/operation.ts";
import { readJson } from "../../read-body.ts";
import type { Services } from "../../services.ts";
import { answerRequest } from "../classify/answer-request.ts";
import { CLASSIFY_ERRORS } from "../classify/classify.ts";
import { INPUTS_MAX, TOP_K_MAX, textSchema } from "../classify/request.ts";
import { scoredLabels, scoredLabelsSchema } from "./scored-labels.ts";

const pairSchema = z
  .strictObject({ text: textSchema, text_pair: textSchema })
  .transform(({ text, text_pair: textPair }) => ({ text, textPair }));

const inputSchema = z.union([textSchema, pairSchema], {
  error: "must be a text, or an object of the two texts text and text_pair",
});

/** Fields that are unknown here are about other tasks, or about queues and caches that there are none of. */
const huggingFaceRequestSchema = z.object({
  inputs: z.preprocess(
    (inputs) => (Array.isArray(inputs) ? inputs : [inputs]),
    z
      .array(inputSchema)
      .min(1, "must have at least one text")
      .max(INPUTS_MAX, `must have at most ${INPUTS_MAX} texts`),
  ),
  parameters: z
    .object({
      top_k: z
        .int()
        .min(1)
        .nullish()
        .transform((k) => Math.min(k ?? TOP_K_MAX, TOP_K_MAX)),
      function_to_apply: z
        .enum(
          ["softmax", "none"],
          "must be softmax or none: a text has one label here, so that sigmoid has no meaning",
        )
        .nullish(),
    })
    .nullish(),
});

export const classifyForHuggingFaceOperation: Operation = {
  ...{
    id: "classifyForHuggingFace",
    tag: "drop-ins",
    summary: "As Hugging Face's inference API classifies texts",
  },
  changesNothing: true,
  body: jsonBody(huggingFaceRequestSchema),
  answers: {
    200: jsonAnswer("A list of labels for each text, also of a single one.", z.array(scoredLabelsSchema)),
  },
  errorForm: {
    schema: z.strictObject({ error: z.string(), code: z.string(), request_id: z.string() }),
    statusOf,
  },
  errors: CLASSIFY_ERRORS,
};

export const classifyForHuggingFace = (services: Services) => async (c: AppContext<"/models/:adapterId">) => {
  const { inputs, parameters } = await readJson(c, huggingFaceRequestSchema);
  const asked = { adapterId: c.req.param("adapterId"), inputs, topK: parameters?.top_k ?? TOP_K_MAX };
  const answer = await answerRequest(services, asked, { tenant: c.get("tenant"), scope: c.get("scope") });
  c.set("adapterDigest", answer.digest);
  c.header("Softgate-Adapter-Digest", answer.digest);
  const activation = parameters?.function_to_apply ?? "softmax";
  return answerJson(
    c,
    answer.predictions.map((prediction) => scoredLabels(prediction, activation)),
  );
};

export function huggingFaceError({ status, code, detail, requestId }: ReshapedProblem): ReshapedError {
  return {
    status: statusOf(status),
    body: { error: detail, code, request_id: requestId },
  };
}

/** @huggingface/inference sends again at once, and without end, after a 503; after a 429 it does not. */
function statusOf(status: number): number {
  return status === 503 ? 429 : status;
}
