// A file → a dataset: in one request where the server takes that, else by a URL straight into its store, which the server is
// then told to read. A Blob is read piece by piece, so that a file on disk is never whole in memory on that way.
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import type { DatasetAnswer, UploadAnswer } from "#functions/api-types";
import { SoftgateError } from "./error.ts";
import { withKey } from "./idempotency-key.ts";
import { type SoftgateOptions, send, sendTo, wait } from "./send.ts";

export interface UploadOptions {
  /** By its extension the format is known. */
  readonly fileName: string;
  readonly textColumn?: string;
  readonly textPairColumn?: string;
  readonly labelColumn?: string;
  readonly signal?: AbortSignal;
}

/** What servers take in a request, unless they have little memory: those say so. */
const REQUEST_BYTES_MAX = 64 * 1024 * 1024;
/** As long as a server waits for a file that is sent by URL. */
const FILE_MS_MAX = 60 * 60_000;
/** Of a request with a file, or of one that has the server read one. */
export const UPLOAD_MS_MAX = 15 * 60_000;
/** However small a file is; beyond, a line may be so slow. */
const UPLOAD_MS_MIN = 60_000;
const BYTES_PER_SECOND_MIN = 64 * 1024;
/** A server reads one large file of a tenant at a time: so often it is asked for the turn. */
const TURNS_MAX = 100;
const TURN_MS = 5_000;

/** Rejects with SoftgateError, or as fetch does. */
export async function uploadDataset(
  options: SoftgateOptions,
  file: Blob,
  upload: UploadOptions,
): Promise<DatasetAnswer> {
  if (file.size > REQUEST_BYTES_MAX) return uploadByUrl(options, file, upload);
  try {
    return await uploadInRequest(options, file, upload);
  } catch (error) {
    if (isTooLargeForRequest(error)) return uploadByUrl(options, file, upload);
    throw error;
  }
}

async function uploadInRequest(
  options: SoftgateOptions,
  file: Blob,
  { fileName, signal, ...query }: UploadOptions,
): Promise<DatasetAnswer> {
  const body = new FormData();
  body.set("file", file, fileName);
  const sent = { method: "POST", path: "/v1/datasets", query, body, signal } as const;
  const response = await send(options, { ...sent, ...withKey(), msMax: msMaxOf(file, UPLOAD_MS_MAX) });
  return response.json() as Promise<DatasetAnswer>;
}

function msMaxOf({ size }: Blob, most: number): number {
  return Math.min(most, UPLOAD_MS_MIN + (size / BYTES_PER_SECOND_MIN) * 1_000);
}

/** Also said by what stands before a server, in words of its own. */
function isTooLargeForRequest(error: unknown): boolean {
  return error instanceof SoftgateError && error.status === 413 && error.code !== "dataset_too_large";
}

async function uploadByUrl(
  options: SoftgateOptions,
  file: Blob,
  { signal, ...named }: UploadOptions,
): Promise<DatasetAnswer> {
  const body = JSON.stringify({ ...named, bytes: file.size, digest: await digestOf(file, signal) });
  const { headers, ...repeatable } = withKey();
  const begun = await send(options, {
    ...{ method: "POST", path: "/v1/datasets/uploads", body, signal, ...repeatable },
    headers: { ...headers, "Content-Type": "application/json" },
  });
  const { datasetId, upload } = (await begun.json()) as UploadAnswer;
  await sendFile(options, file, { upload, signal });
  return complete(options, datasetId, { msMax: msMaxOf(file, UPLOAD_MS_MAX), signal });
}

async function digestOf(file: Blob, signal: AbortSignal | undefined): Promise<string> {
  const hash = sha256.create();
  const reader = file.stream().getReader();
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      signal?.throwIfAborted();
      hash.update(read.value);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
  return `sha256:${bytesToHex(hash.digest())}`;
}

/** To the store, with the headers that the server gave. */
async function sendFile(
  options: SoftgateOptions,
  file: Blob,
  { upload, signal }: { upload: UploadAnswer["upload"]; signal: AbortSignal | undefined },
): Promise<void> {
  const { url, headers } = upload;
  const own = Object.entries(headers).filter(([name]) => name.toLowerCase() !== "content-length");
  const response = await sendTo(options, {
    ...{ method: "PUT", url, signal, isRepeatable: true, msMax: msMaxOf(file, FILE_MS_MAX) },
    // fetch tells the length itself; and of a slice it tells no type, which the URL does not know of.
    ...{ headers: Object.fromEntries(own), body: file.slice() },
  });
  // 412: it is there, as whoever sends it again is told.
  if (response.ok || response.status === 412) return;
  const told = /<Code>(\w{1,100})<\/Code>/.exec(await response.text())?.[1] ?? "no reason given";
  const detail = `The store at ${new URL(url).host} did not take the file (status ${response.status}, ${told}).`;
  throw new SoftgateError({ status: response.status, code: "unexpected_answer", detail });
}

/** Read in full by the server, with its answer at the end. Asked for again it answers the same. */
async function complete(
  options: SoftgateOptions,
  datasetId: string,
  given: { msMax: number; signal: AbortSignal | undefined },
): Promise<DatasetAnswer> {
  const path = `/v1/datasets/${datasetId}/complete`;
  for (let turn = 1; ; turn += 1) {
    try {
      const sent = { method: "POST", path, isRepeatable: true, ...given } as const;
      return (await (await send(options, sent)).json()) as DatasetAnswer;
    } catch (error) {
      const isBusy = error instanceof SoftgateError && error.code === "too_many_uploads";
      if (!isBusy || turn === TURNS_MAX) throw error;
      await (options.wait ?? wait)(TURN_MS, given.signal);
    }
  }
}
