// POST /v1/adapters?name= with a file as the body: the steps upload and dataset, and the job that trains on it, in one
// request. Whatever can be refused without the file is, before it is read. Should the queue then be full, the dataset
// stays, and whoever sends the request again later sends the file again.
import { z } from "zod";
import { parseAdapterName } from "#registry";
import { trainOptionsSchema } from "#trainer/job";
import type { AppContext } from "../../app-env.ts";
import { RequestError } from "../../errors.ts";
import { mediaTypeOf } from "../../media-type.ts";
import { parseInput, parseQuery } from "../../parse-input.ts";
import type { Services } from "../../services.ts";
import { columnFields, readDatasetFields, storeUpload, UPLOAD_CONTENT } from "../datasets/store-upload.ts";
import { askedBy } from "./asked-by.ts";

/** Percent-encoded, twelve bytes each at most, they must fit into the line of a request (HEADERS_BYTES_MAX). */
const OPTIONS_CHARACTERS_MAX = 1_000;

export const trainOnFileQuery = z.object({
  name: z.string().max(64).exactOptional().meta({ description: "Of the adapter; needed with a file." }),
  options: z
    .string()
    .max(OPTIONS_CHARACTERS_MAX)
    .exactOptional()
    .meta({ description: "Of the training, as JSON; with a file." }),
  ...columnFields,
});

/** What is answered beside the job's id. */
export const trainOnFileFields = { datasetId: z.string(), ...readDatasetFields };

/** Whether the body is a dataset, by its media type. */
export function isFile(c: AppContext): boolean {
  return Object.hasOwn(UPLOAD_CONTENT, mediaTypeOf(c.req.header("content-type")));
}

export async function trainOnFile(services: Services, c: AppContext) {
  const { name, options: optionsText = "{}", ...names } = parseQuery(trainOnFileQuery, c.req.query());
  if (name === undefined) {
    throw new RequestError("invalid_request", "name: is required, as in POST /v1/adapters?name=tickets");
  }
  const adapterName = parseAdapterName(name);
  const options = parseInput(trainOptionsSchema, parseJson(optionsText), {
    code: "invalid_options",
    path: ["options"],
  });
  const tenant = c.get("tenant");
  await services.registry.requirePublishable(tenant, adapterName, services.signer);
  const { id: datasetId, ...told } = await storeUpload(services, c, names);
  const { id: jobId } = await services.jobs.submit(tenant, {
    adapterName,
    datasetId,
    options,
    ...askedBy(c),
  });
  return c.json({ jobId, datasetId, ...told }, 202, { Location: `/v1/jobs/${jobId}` });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RequestError("invalid_options", 'options: must be JSON, such as {"epochs":3}', { cause });
  }
}
