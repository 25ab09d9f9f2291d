// POST /openai/v1/files and GET /openai/v1/files/:id: a file for fine-tuning is a dataset, of the same id.
import { z } from "zod";
import type { AppContext } from "../../../app-env.ts";
import { RequestError } from "../../../errors.ts";
import { mediaTypeOf } from "../../../media-type.ts";
import { FILE, jsonAnswer, type Operation } from "../../../openapi/operation.ts";
import { readBytes } from "../../../read-body.ts";
import type { Services } from "../../../services.ts";
import { uploadDataset, uploadDatasetOperation } from "../../datasets/upload.ts";
import { openAiErrorForm, secondsOf } from "./error.ts";

const PURPOSE = "fine-tune";

const fileSchema = z.strictObject({
  ...{ id: z.string(), object: z.literal("file"), bytes: z.int(), created_at: z.int() },
  ...{ filename: z.string(), purpose: z.literal(PURPOSE), status: z.literal("processed") },
});

export const createFileOperation: Operation = {
  ...{ id: "createOpenAiFile", tag: "drop-ins", summary: "As OpenAI's API takes a file for fine-tuning" },
  body: { content: { "multipart/form-data": z.object({ file: FILE, purpose: z.literal(PURPOSE) }) } },
  answers: { 200: jsonAnswer("It is kept as a dataset.", fileSchema) },
  errorForm: openAiErrorForm,
  errors: [...(uploadDatasetOperation.errors ?? []), "dataset_not_found"],
};

export const createFile = (services: Services) => {
  const upload = uploadDataset(services);
  return async (c: AppContext) => {
    await requirePurpose(c);
    const { id } = z.object({ id: z.string() }).parse(await (await upload(c)).json());
    return c.json(await fileOf(services, c, id));
  };
};

export const getFileOperation: Operation = {
  ...{ id: "getOpenAiFile", tag: "drop-ins", summary: "A dataset as one of OpenAI's files" },
  answers: { 200: jsonAnswer("The file.", fileSchema) },
  errorForm: openAiErrorForm,
  errors: ["dataset_not_found"],
};

export const getFile = (services: Services) => async (c: AppContext<"/openai/v1/files/:id">) =>
  c.json(await fileOf(services, c, c.req.param("id")));

async function fileOf(
  { registry }: Services,
  c: AppContext,
  id: string,
): Promise<z.infer<typeof fileSchema>> {
  const { bytes, createdAt, fileName } = await registry.describeDataset(c.get("tenant"), id);
  return {
    ...{ id, object: "file", bytes, created_at: secondsOf(createdAt), filename: fileName },
    ...{ purpose: PURPOSE, status: "processed" },
  };
}

/** Throws RequestError invalid_request or unsupported_media_type, before anything is kept. */
async function requirePurpose(c: AppContext): Promise<void> {
  const contentType = c.req.header("content-type") ?? "";
  if (mediaTypeOf(contentType) !== "multipart/form-data") {
    throw new RequestError(
      "unsupported_media_type",
      "Send multipart/form-data with the fields file and purpose.",
    );
  }
  const body = new Response(await readBytes(c), { headers: { "Content-Type": contentType } });
  const form = await body.formData().catch((cause: unknown) => {
    throw new RequestError("invalid_request", "The body is not a complete multipart form.", { cause });
  });
  if (form.get("purpose") !== PURPOSE) {
    throw new RequestError(
      "invalid_request",
      `purpose: must be ${PURPOSE}; files of other purposes are not kept here`,
    );
  }
}
