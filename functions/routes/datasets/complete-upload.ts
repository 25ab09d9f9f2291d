// POST /v1/datasets/:id/complete: what was sent by URL is read in full, by the rules of every dataset, and becomes one;
// or it is said what is wrong with it, and the upload is forgotten. It comes as a file on this machine's disk, and is in
// memory piece by piece. Few at a time: each takes that room, and some hundred bytes of memory a row.
import { z } from "zod";
import type { DatasetRecord, TenantId, UploadRecord } from "#registry";
import { inspectDataset, spoolContent } from "#trainer/dataset";
import { TrainerError } from "#trainer/job";
import { actorOf } from "../../actor.ts";
import type { AppContext } from "../../app-env.ts";
import type { Operation } from "../../openapi/operation.ts";
import { readOptionalJson } from "../../read-body.ts";
import type { Scope } from "../../scope.ts";
import type { Services } from "../../services.ts";
import { DATASET_ERRORS } from "./store-upload.ts";
import { datasetAnswer } from "./upload.ts";

const requestSchema = z.strictObject({});

export const completeUploadOperation: Operation = {
  ...{ id: "completeUpload", tag: "datasets", summary: "Makes a dataset of a file that was sent to a URL" },
  body: { content: { "application/json": requestSchema }, isOptional: true },
  answers: { 200: datasetAnswer },
  errors: [...DATASET_ERRORS, "dataset_not_found", "upload_incomplete", "too_many_uploads", "scratch_full"],
};

export const completeUpload = (services: Services) => async (c: AppContext<"/v1/datasets/:id/complete">) => {
  await readOptionalJson(c, requestSchema);
  const { registry } = services;
  const [tenant, id] = [c.get("tenant"), c.req.param("id")];
  const upload = await registry.findUpload(tenant, id);
  // One that is complete is answered again; its warnings are not kept.
  if (!upload) return c.json({ ...answerOf(await registry.describeDataset(tenant, id)), warnings: [] });
  const { warnings, ...read } = await c
    .get("scope")
    .step("upload", (scope) =>
      scope.step("dataset", (inner) => inspect(services, { tenant, upload, scope: inner })),
    );
  const dataset = await registry.completeUpload(tenant, { upload, read, actor: actorOf(c) });
  return c.json({ ...answerOf(dataset), warnings });
};

/** Throws what the registry throws, and TrainerError when it is no dataset: then the upload is forgotten. */
async function inspect(
  { registry }: Services,
  { tenant, upload, scope }: { tenant: TenantId; upload: UploadRecord; scope: Scope },
) {
  const file = await spoolContent(await registry.openUpload(tenant, upload));
  scope.note({ bytes: upload.bytes, media_type: upload.mediaType });
  try {
    const read = await inspectDataset(file, upload);
    scope.note({ rows: read.rows, labels: read.labels.length });
    return read;
  } catch (error) {
    if (error instanceof TrainerError) await registry.refuseUpload(tenant, upload);
    throw error;
  } finally {
    await file.close();
  }
}

function answerOf({ id, rows, labels, columns }: DatasetRecord) {
  return { id, rows, labels, columns };
}
