// GET /v1/adapters/:name/shadow: what is asked beside production, and how often both say the same. The counts are of
// the server that answers.
import { z } from "zod";
import { parseAdapterName, shadowSchema } from "#registry";
import type { AppContext } from "../../app-env.ts";
import { jsonAnswer, type Operation } from "../../openapi/operation.ts";
import type { Services } from "../../services.ts";
import type { ShadowMode } from "../../shadow-mode.ts";

const count = z.int().min(0);

const countsSchema = z.strictObject({
  production: z.int().min(1).meta({ description: "The version that answers." }),
  shadow: z.int().min(1).meta({ description: "The version that is asked beside it." }),
  since: z.iso.datetime(),
  texts: count.meta({ description: "That both have answered." }),
  agreed: count.meta({ description: "Of these, those with the same best label." }),
  skipped: count.meta({
    description: "Requests that came while the classifier, or another shadow, was busy.",
  }),
  failed: count.meta({ description: "Requests that the shadow could not answer." }),
});

export const shadowAnswerSchema = z
  .strictObject({
    name: z.string(),
    shadow: shadowSchema.nullable(),
    counts: countsSchema
      .nullable()
      .meta({ description: "Of this server, since it started; null: none yet." }),
  })
  .meta({ id: "Shadow" });

export const getShadowOperation: Operation = {
  ...{
    id: "getShadow",
    tag: "feedback",
    summary: "What is asked beside production, and how often it agrees",
  },
  answers: { 200: jsonAnswer("null: production is asked alone.", shadowAnswerSchema) },
  errors: ["adapter_not_found"],
};

export const getShadow =
  ({ registry }: Services, mode: ShadowMode) =>
  async (c: AppContext<"/v1/adapters/:name/shadow">) => {
    const name = parseAdapterName(c.req.param("name"));
    const tenant = c.get("tenant");
    const shadow = await registry.getShadow(tenant, name);
    return c.json({ name, shadow: shadow ?? null, counts: (shadow && mode.countsOf(tenant, name)) ?? null });
  };
