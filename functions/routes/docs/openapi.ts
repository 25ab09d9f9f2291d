// GET /openapi.json: this API as an OpenAPI 3.1 document. A test holds the file to what the schemas say.
import { z } from "zod";
import type { AppContext } from "../../app-env.ts";
import { jsonAnswer, type Operation } from "../../openapi/operation.ts";

export const openapiOperation: Operation = {
  ...{ id: "openapi", tag: "server", summary: "This document", isOpen: true },
  answers: { 200: jsonAnswer("An OpenAPI 3.1 document.", z.record(z.string(), z.unknown())) },
};

export const openapi = () => async (c: AppContext) => {
  // Loaded late: most servers are never asked for it.
  const { default: document } = await import("../../../docs/openapi.json", { with: { type: "json" } });
  c.header("Cache-Control", "public, max-age=300");
  return c.json(document);
};
