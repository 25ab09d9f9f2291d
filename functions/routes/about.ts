// GET /: what this is and where to go.
import { z } from "zod";
import type { AppContext } from "../app-env.ts";
import { jsonAnswer, type Operation } from "../openapi/operation.ts";

export const aboutOperation: Operation = {
  ...{ id: "about", tag: "server", summary: "What this is and where to go", isOpen: true },
  answers: { 200: jsonAnswer("For people.", z.record(z.string(), z.unknown())) },
};

export const about = () => (c: AppContext) =>
  c.json({
    name: "softgate",
    description: "Text classifiers per tenant on one shared frozen encoder.",
    authentication: "Authorization: Bearer <key>, for everything below /v1",
    steps: [
      "POST /v1/datasets: upload a CSV, NDJSON or Parquet file of texts and labels",
      "POST /v1/adapters: train an adapter on it",
      "GET /v1/jobs/{id}: follow the training",
      "POST /v1/classify: classify texts with the adapter",
    ],
    lists: [
      "GET /v1/adapters",
      "GET /v1/adapters/{name}/versions",
      "GET /v1/adapters/{name}/versions/{version}",
      "GET /v1/adapters/{name}/aliases, GET /v1/adapters/{name}/aliases/{alias}",
      "GET /v1/adapters/{name}/history",
      "GET /v1/audit",
      "GET /v1/usage",
    ],
    aliases: [
      "PUT /v1/adapters/{name}/aliases/{alias}: point it at a version",
      "POST /v1/adapters/{name}/aliases/{alias}/rollback: move it back",
      "PUT /v1/adapters/{name}/aliases/{alias}/protection: hold it to a rule",
    ],
    deletion: [
      "DELETE /v1/adapters/{name}, POST /v1/adapters/{name}/restore",
      "DELETE /v1/adapters/{name}/versions/{version}, POST /v1/adapters/{name}/versions/{version}/restore",
      "GET, PUT /v1/adapters/{name}/retention: which versions stay",
    ],
    report: "GET /v1/adapters/{name}/versions/{version}/report, as application/json or text/html",
    feedback: [
      "GET, POST /v1/adapters/{name}/feedback: what it should have answered",
      "DELETE /v1/adapters/{name}/feedback/{id}",
      "POST /v1/adapters/{name}/retrain: train its next version with that, as the alias candidate",
      "GET, PUT /v1/adapters/{name}/shadow: an alias that is asked beside production",
    ],
    largeFiles: [
      "POST /v1/datasets/uploads: a URL to send a large file to, straight into the store",
      "POST /v1/datasets/{id}/complete: make a dataset of it",
    ],
    packages: [
      "GET /v1/adapters/{name}/versions/{version}/export: a version as application/zip",
      "POST /v1/adapters/{name}/import: the same, as the next version of a name",
    ],
    keys: [
      "GET, POST /v1/keys: of the tenant, each with scopes",
      "POST /v1/keys/{id}/rotate, DELETE /v1/keys/{id}",
    ],
    health: ["GET /livez", "GET /readyz"],
  });
