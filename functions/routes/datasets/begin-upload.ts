// POST /v1/datasets/uploads: an upload past this server, straight into the store, for files that are larger than it
// takes itself: what the file is, and back a URL to send it to. complete-upload.ts makes a dataset of it.
import { z } from "zod";
import { digestSchema } from "#registry";
import { mediaTypeOfFile } from "#trainer/dataset";
import type { AppContext } from "../../app-env.ts";
import { RequestError } from "../../errors.ts";
import { jsonAnswer, jsonBody, type Operation } from "../../openapi/operation.ts";
import { readJson } from "../../read-body.ts";
import type { Services } from "../../services.ts";
import { plainFileName } from "./read-upload.ts";
import { columnFields, columnsOf } from "./store-upload.ts";

const requestSchema = z.strictObject({
  fileName: z
    .string()
    .min(1)
    .max(255)
    .meta({ description: "Its ending says what it is.", example: "tickets.csv" }),
  bytes: z.int().min(1),
  digest: digestSchema.meta({ description: '"sha256:" and the file\'s sha256 in hex.' }),
  ...columnFields,
});

export const uploadAnswerSchema = z
  .strictObject({
    datasetId: z.string(),
    upload: z.strictObject({
      url: z.string().meta({ description: "A secret while it is valid." }),
      method: z.literal("PUT"),
      headers: z.record(z.string(), z.string()).meta({ description: "To be sent as they are." }),
      expiresAt: z.iso.datetime(),
    }),
    completeBefore: z.iso.datetime(),
  })
  .meta({ id: "Upload" });

export const beginUploadOperation: Operation = {
  ...{ id: "beginUpload", tag: "datasets", summary: "Asks for a URL to send a large file to" },
  body: jsonBody(requestSchema),
  answers: {
    201: jsonAnswer(
      "Send the file, whole and as it was described, then complete the dataset. Its bytes are reserved until then.",
      uploadAnswerSchema,
      z.object({ location: z.string().meta({ description: "To POST to when the file is sent." }) }),
    ),
  },
  errors: ["direct_upload_unsupported", "limit_exceeded", "quota_exceeded", "conflict"],
};

export const beginUpload =
  ({ registry }: Services) =>
  async (c: AppContext) => {
    const { fileName, bytes, digest, ...names } = await readJson(c, requestSchema);
    const mediaType = mediaTypeOfFile(fileName);
    if (!mediaType) {
      throw new RequestError(
        "unsupported_media_type",
        "Name the file .csv, .tsv, .ndjson, .jsonl or .parquet, as what it is.",
      );
    }
    const columns = columnsOf(names);
    const file = { fileName: plainFileName(fileName), bytes, digest, mediaType, columns };
    const { datasetId, put: upload, completeBefore } = await registry.beginUpload(c.get("tenant"), file);
    const location = `/v1/datasets/${datasetId}/complete`;
    return c.json({ datasetId, upload, completeBefore }, 201, { Location: location });
  };
