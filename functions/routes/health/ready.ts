// GET /readyz: the store answers a read, and the backbone a word; and the server is not about to close. Open to all, so
// the answer is kept for a while: many probes cost one of each.
import { z } from "zod";
import { parseTenantId } from "#registry";
import type { AppContext } from "../../app-env.ts";
import { RequestError } from "../../errors.ts";
import { jsonAnswer, type Operation } from "../../openapi/operation.ts";
import { problemResponse } from "../../problem.ts";
import type { Services } from "../../services.ts";

const KEPT_MS = 2_000;
/** Owns nothing; listing its adapters is the cheapest read that goes all the way to the store. */
const PROBE_TENANT = "readiness-probe";

export const readyOperation: Operation = {
  ...{ id: "ready", tag: "server", summary: "Store and backbone answer, and the server stays", isOpen: true },
  answers: { 200: jsonAnswer("They do.", z.strictObject({ status: z.literal("ready") })) },
  errors: ["server_stopping", "classifier_overloaded"],
};

export function ready(
  services: Services,
  { now, isStopping }: { now: () => number; isStopping: () => boolean },
) {
  let checkedAtMs = Number.NEGATIVE_INFINITY;
  let failure: Promise<unknown> = Promise.resolve(undefined);
  return async (c: AppContext) => {
    if (isStopping()) {
      return problemResponse(c, new RequestError("server_stopping", "The server is about to close."));
    }
    if (now() - checkedAtMs >= KEPT_MS) {
      checkedAtMs = now();
      failure = probe(services, c.get("requestId"));
    }
    const error = await failure;
    return error === undefined ? c.json({ status: "ready" }) : problemResponse(c, error);
  };
}

/** The store's or the backbone's error, or undefined when both answered. */
async function probe({ registry, classifier, log }: Services, requestId: string): Promise<unknown> {
  try {
    await classifier.probe();
    await registry.listAdapters(parseTenantId(PROBE_TENANT), { limit: 1 });
    return undefined;
  } catch (error) {
    log({ event: "not_ready", requestId, error: String(error) });
    return error;
  }
}
