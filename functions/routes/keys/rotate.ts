// POST /v1/keys/:id/rotate: another key in place of this one, which ends after the overlap.
import { z } from "zod";
import { KEY_OVERLAP_MS_DEFAULT, KEY_OVERLAP_MS_MAX } from "#registry";
import { actorOf } from "../../actor.ts";
import type { AppContext } from "../../app-env.ts";
import { jsonAnswer, jsonBody, type Operation } from "../../openapi/operation.ts";
import { readJson } from "../../read-body.ts";
import type { Services } from "../../services.ts";
import { createdKeySchema, keyViewSchema } from "./view.ts";

export const rotateKeyRequestSchema = z.strictObject({
  /** Both keys are valid for so long; 0 ends the old one at once. */
  overlapSeconds: z
    .int()
    .min(0)
    .max(KEY_OVERLAP_MS_MAX / 1_000)
    .default(KEY_OVERLAP_MS_DEFAULT / 1_000),
});

export const rotateKeyAnswerSchema = createdKeySchema.extend({ previous: keyViewSchema });

export const rotateKeyOperation: Operation = {
  ...{ id: "rotateKey", tag: "keys", summary: "Make another key in place of this one" },
  body: jsonBody(rotateKeyRequestSchema),
  answers: {
    201: jsonAnswer("The new key with its secret, and the one it replaces.", rotateKeyAnswerSchema),
  },
  errors: ["invalid_key", "conflict", "limit_exceeded"],
};

export const rotateKey =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/keys/:id/rotate">) => {
    const { overlapSeconds } = await readJson(c, rotateKeyRequestSchema);
    const { record, secret, previous } = await registry.rotateKey(c.req.param("id"), {
      tenant: c.get("tenant"),
      overlapMs: overlapSeconds * 1_000,
      actor: actorOf(c),
    });
    const answer = { ...record, secret, previous };
    return c.json(answer, 201, { "Cache-Control": "no-store" });
  };
