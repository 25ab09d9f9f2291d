// The body of an upload in its forms: a multipart form with the field "file", or the file itself.
import { type DatasetMediaType, isDatasetMediaType, mediaTypeOfFile } from "#trainer/dataset";
import type { AppContext } from "../../app-env.ts";
import { RequestError } from "../../errors.ts";
import { mediaTypeOf } from "../../media-type.ts";
import { readBytes } from "../../read-body.ts";

export interface Upload {
  readonly bytes: Uint8Array;
  readonly fileName: string;
  readonly mediaType: DatasetMediaType;
}

const FILE_NAME_CHARACTERS_MAX = 200;
const PARQUET = "application/vnd.apache.parquet";
const FORMS =
  "text/csv, application/x-ndjson, application/vnd.apache.parquet, or multipart/form-data with the field file";

/** Throws RequestError unsupported_media_type, payload_too_large or invalid_request. */
export async function readUpload(c: AppContext): Promise<Upload> {
  const contentType = c.req.header("content-type");
  switch (mediaTypeOf(contentType)) {
    case "multipart/form-data":
      return readForm(await readBytes(c), contentType ?? "");
    case "text/csv":
    case "text/tab-separated-values":
      requireUtf8(contentType ?? "");
      return { bytes: await readBytes(c), fileName: "dataset.csv", mediaType: "text/csv" };
    case "application/x-ndjson":
      return { bytes: await readBytes(c), fileName: "dataset.ndjson", mediaType: "application/x-ndjson" };
    case PARQUET:
      return { bytes: await readBytes(c), fileName: "dataset.parquet", mediaType: PARQUET };
    default:
      throw new RequestError("unsupported_media_type", `Send the dataset as ${FORMS}.`);
  }
}

async function readForm(body: Uint8Array<ArrayBuffer>, contentType: string): Promise<Upload> {
  const file = (await parseForm(body, contentType)).get("file");
  if (!(file instanceof File)) {
    throw new RequestError("invalid_request", "The form has no file in its field file.");
  }
  const fileName = plainFileName(file.name);
  return {
    bytes: new Uint8Array(await file.arrayBuffer()),
    fileName,
    mediaType: mediaTypeOfPart(fileName, file.type),
  };
}

async function parseForm(body: Uint8Array<ArrayBuffer>, contentType: string): Promise<FormData> {
  try {
    return await new Response(body, { headers: { "Content-Type": contentType } }).formData();
  } catch (cause) {
    throw new RequestError("invalid_request", "The body is not a complete multipart form.", { cause });
  }
}

/** The extension decides: browsers and curl label CSV files in many ways. */
function mediaTypeOfPart(fileName: string, partType: string): DatasetMediaType {
  const byExtension = mediaTypeOfFile(fileName);
  if (byExtension) return byExtension;
  const byPart = mediaTypeOf(partType);
  if (isDatasetMediaType(byPart)) return byPart;
  throw new RequestError("unsupported_media_type", "Name the file .csv, .tsv, .ndjson, .jsonl or .parquet.");
}

/** A name to show in messages: no folders, no control characters. */
export function plainFileName(name: string): string {
  const base = name.split(/[/\\]/).at(-1) ?? "";
  return base.replaceAll(/\p{C}/gu, "").slice(0, FILE_NAME_CHARACTERS_MAX) || "dataset.csv";
}

function requireUtf8(contentType: string): void {
  const charset = /;\s*charset="?([^\s;"]+)/i.exec(contentType)?.[1]?.toLowerCase();
  if (charset !== undefined && charset !== "utf-8" && charset !== "utf8") {
    throw new RequestError("unsupported_media_type", "Send the dataset in UTF-8.");
  }
}
