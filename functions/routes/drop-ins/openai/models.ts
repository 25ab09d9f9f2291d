// GET /openai/v1/models, GET and DELETE .../:id: adapters. A model's id is an adapter id.
import { z } from "zod";
import {
  ADAPTERS_PER_PAGE_MAX,
  type AdapterSummary,
  parseAdapterName,
  parseAdapterReference,
} from "#registry";
import { actorOf } from "../../../actor.ts";
import type { AppContext } from "../../../app-env.ts";
import { jsonAnswer, type Operation } from "../../../openapi/operation.ts";
import type { Services } from "../../../services.ts";
import { openAiErrorForm, secondsOf } from "./error.ts";

/** The list has no pages there; those beyond are found at GET /v1/adapters. */
export const MODELS_MAX = 1_000;

const modelSchema = z.strictObject({
  ...{ id: z.string(), object: z.literal("model"), created: z.int(), owned_by: z.string() },
});

const common = { tag: "drop-ins", errorForm: openAiErrorForm } as const;

export const listModelsOperation: Operation = {
  ...{ ...common, id: "listOpenAiModels", summary: "Adapters as OpenAI's API lists models" },
  answers: {
    200: jsonAnswer(
      `The first ${MODELS_MAX} by name.`,
      z.strictObject({ object: z.literal("list"), data: z.array(modelSchema) }),
    ),
  },
};

export const listModels =
  ({ registry }: Services) =>
  async (c: AppContext) => {
    const tenant = c.get("tenant");
    const found: AdapterSummary[] = [];
    let after: string | undefined;
    do {
      const page = { limit: ADAPTERS_PER_PAGE_MAX, ...(after !== undefined && { after }) };
      const { adapters, next } = await registry.listAdapters(tenant, page);
      found.push(...adapters);
      after = next;
    } while (after !== undefined && found.length < MODELS_MAX);
    const data = found.slice(0, MODELS_MAX).map(({ name, createdAt }) => modelOf(c, name, createdAt));
    return c.json({ object: "list", data });
  };

export const getModelOperation: Operation = {
  ...{ ...common, id: "getOpenAiModel", summary: "An adapter as OpenAI's API tells a model" },
  answers: { 200: jsonAnswer("The model.", modelSchema) },
  errors: [
    ...(["invalid_reference", "adapter_not_found", "alias_not_found", "version_not_found"] as const),
    ...(["signature_required", "signature_invalid"] as const),
  ],
};

export const getModel =
  ({ registry }: Services) =>
  async (c: AppContext<"/openai/v1/models/:id">) => {
    const id = c.req.param("id");
    const { manifest } = await registry.resolve(c.get("tenant"), parseAdapterReference(id));
    return c.json(modelOf(c, id, manifest.createdAt));
  };

export const deleteModelOperation: Operation = {
  ...{ ...common, id: "deleteOpenAiModel", summary: "Deletes an adapter, as OpenAI's API does a model" },
  answers: {
    200: jsonAnswer(
      "It is deleted; for a while it can be restored.",
      z.strictObject({ id: z.string(), object: z.literal("model"), deleted: z.literal(true) }),
    ),
  },
  errors: ["invalid_name", "adapter_not_found", "alias_protected", "conflict", "limit_exceeded"],
};

export const deleteModel =
  ({ registry }: Services) =>
  async (c: AppContext<"/openai/v1/models/:id">) => {
    const name = parseAdapterName(c.req.param("id"));
    await registry.deleteAdapter(c.get("tenant"), name, { actor: actorOf(c) });
    return c.json({ id: name, object: "model", deleted: true });
  };

function modelOf(c: AppContext, id: string, createdAt: string): z.infer<typeof modelSchema> {
  return { id, object: "model", created: secondsOf(createdAt), owned_by: c.get("tenant") };
}
