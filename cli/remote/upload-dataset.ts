// A file from disk → a dataset of a server: in one request where that takes it, else by a URL straight into its store,
// which is then told to read it.
import { createHash } from "node:crypto";
import { z } from "zod";
import { openContent } from "#trainer/dataset";
import { RemoteError } from "../errors.ts";
import { type DatasetFile, requireUnchanged } from "../read-dataset.ts";
import type { Client } from "./client.ts";

/** What servers take in a request, unless they have little memory: those say so. */
const REQUEST_BYTES_MAX = 64 * 1024 * 1024;

const datasetSchema = z.looseObject({ id: z.string() });
const begunSchema = z.looseObject({
  datasetId: z.string(),
  upload: z.looseObject({ url: z.url(), headers: z.record(z.string(), z.string()) }),
});

/** Throws what client throws, and CliError file_unreadable where the file was changed since it was read. */
export async function uploadDataset(client: Client, file: DatasetFile): Promise<{ id: string }> {
  if (file.bytes > REQUEST_BYTES_MAX) return uploadByUrl(client, file);
  try {
    return await uploadInRequest(client, file);
  } catch (error) {
    if (error instanceof RemoteError && error.code === "payload_too_large") return uploadByUrl(client, file);
    throw error;
  }
}

async function uploadInRequest(client: Client, file: DatasetFile): Promise<{ id: string }> {
  const { content, bytes: size, fileName: name } = file;
  const bytes = await (await openContent(content)).read(0, size);
  await requireUnchanged(file);
  return datasetSchema.parse(await client.upload("/v1/datasets", { bytes, name }, columnsOf(file)));
}

async function uploadByUrl(client: Client, file: DatasetFile): Promise<{ id: string }> {
  const { fileName, bytes } = file;
  const digest = await digestOf(file);
  await requireUnchanged(file);
  const body = { fileName, bytes, digest, ...columnsOf(file) };
  const asked = await client.send("POST", "/v1/datasets/uploads", body).catch((error: unknown) => {
    throw isUnsupported(error) ? unsupported(error, file) : error;
  });
  const { datasetId: id, upload } = begunSchema.parse(asked);
  await client.sendFile(upload, file);
  // Read in full by the server, with its answer at the end.
  return datasetSchema.parse(await client.finish(`/v1/datasets/${id}/complete`));
}

function columnsOf({ summary }: DatasetFile) {
  const { text: textColumn, textPair: textPairColumn, label: labelColumn } = summary.columns;
  return { textColumn, textPairColumn, labelColumn };
}

async function digestOf({ content }: DatasetFile): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of content.createReadStream({ start: 0, autoClose: false })) hash.update(piece);
  return `sha256:${hash.digest("hex")}`;
}

function isUnsupported(error: unknown): error is RemoteError {
  return error instanceof RemoteError && error.code === "direct_upload_unsupported";
}

function unsupported({ code, status }: RemoteError, { path }: DatasetFile): RemoteError {
  const message = `${path} is larger than the server takes in a request, and its store takes no uploads by URL, as S3 does: send a part of it, or train on the machine of the store.`;
  return new RemoteError(code, message, status);
}
