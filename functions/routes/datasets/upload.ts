// POST /v1/datasets: the first step, upload. What is kept can be trained on.
import { z } from "zod";
import type { AppContext } from "../../app-env.ts";
import { jsonAnswer, type Operation } from "../../openapi/operation.ts";
import { parseQuery } from "../../parse-input.ts";
import type { Services } from "../../services.ts";
import {
  columnFields,
  DATASET_ERRORS,
  readDatasetFields,
  storeUpload,
  UPLOAD_CONTENT,
} from "./store-upload.ts";

const querySchema = z.object(columnFields);

export const datasetSchema = z.strictObject({ id: z.string(), ...readDatasetFields }).meta({ id: "Dataset" });

export const datasetAnswer = jsonAnswer("It was read in full, and is kept.", datasetSchema);

export const uploadDatasetOperation: Operation = {
  ...{ id: "uploadDataset", tag: "datasets", summary: "Keeps a file of texts and labels" },
  query: querySchema,
  body: { content: UPLOAD_CONTENT },
  answers: { 201: datasetAnswer },
  errors: [...DATASET_ERRORS, "too_many_uploads"],
};

export const uploadDataset = (services: Services) => async (c: AppContext) => {
  const names = parseQuery(querySchema, c.req.query());
  return c.json(await storeUpload(services, c, names), 201);
};
