// The only way to a request's body: bytes up to the limit that limit-body.ts set, and JSON through a
// schema. A body without a declared length is cut off as it streams in, so no request holds more; one that takes too
// long is given up, so none holds its place.
import type { z } from "zod";
import type { AppContext } from "./app-env.ts";
import { RequestError } from "./errors.ts";
import { mediaTypeOf } from "./media-type.ts";
import { bodyTooLarge } from "./middleware/limit-body.ts";
import { parseInput } from "./parse-input.ts";

/** Throws RequestError unsupported_media_type, payload_too_large or invalid_request. */
export async function readJson<Schema extends z.ZodType>(
  c: AppContext,
  schema: Schema,
): Promise<z.output<Schema>> {
  return parseInput(schema, await readJsonValue(c));
}

/** As readJson, whatever the JSON is: for a route whose body has several forms. */
export async function readJsonValue(c: AppContext): Promise<unknown> {
  if (mediaTypeOf(c.req.header("content-type")) !== "application/json") {
    throw new RequestError("unsupported_media_type", "Send JSON with Content-Type: application/json.");
  }
  return parseJson(await readBytes(c), "body");
}

/** As readJson; a request without a body is read as {}. */
export async function readOptionalJson<Schema extends z.ZodType>(
  c: AppContext,
  schema: Schema,
): Promise<z.output<Schema>> {
  // A stream that ends at once, where a socket is behind it: only reading it tells.
  const isEmpty = (await readBytes(c)).length === 0;
  return isEmpty ? parseInput(schema, {}) : readJson(c, schema);
}

/** The whole body, for whoever asks again too. Throws RequestError payload_too_large, body_too_slow, or invalid_request when it ends early. */
export async function readBytes(c: AppContext): Promise<Uint8Array<ArrayBuffer>> {
  const known = c.get("body");
  if (known) return known;
  const bodyBytesMax = c.get("bodyBytesMax");
  const isLengthDeclared = c.req.header("content-length") !== undefined;
  try {
    // A declared length was checked by limit-body.ts, and the HTTP parser holds the client to it.
    const whole = isLengthDeclared && c.req.header("transfer-encoding") === undefined;
    const read = whole ? readWhole(c) : readStream(c.req.raw.body, bodyBytesMax);
    const bytes = await inTime(read, c.get("bodyMsMax"));
    if (bytes.length > bodyBytesMax) throw bodyTooLarge(bodyBytesMax);
    c.set("body", bytes);
    return bytes;
  } catch (error) {
    if (error instanceof RequestError) throw error;
    throw new RequestError("invalid_request", "The body ended before it was complete.", { cause: error });
  }
}

/** Throws RequestError body_too_slow. What then still comes is read by nobody, and its connection closed. */
async function inTime<Value>(read: Promise<Value>, msMax: number): Promise<Value> {
  const late = Promise.withResolvers<never>();
  const message = `The body did not come within ${Math.round(msMax / 1_000)} seconds.`;
  const headers = { Connection: "close" };
  const timer = setTimeout(() => late.reject(new RequestError("body_too_slow", message, { headers })), msMax);
  read.catch(() => undefined); // Once it is given up, how it ends matters to nobody.
  try {
    return await Promise.race([read, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function readWhole(c: AppContext): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await c.req.raw.arrayBuffer());
}

async function readStream(
  stream: ReadableStream<Uint8Array> | null,
  bodyBytesMax: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = stream?.getReader();
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
    length += read.value.length;
    if (length > bodyBytesMax) {
      // Not awaited: a source that never answers a cancel must not hold the response back.
      void reader?.cancel().catch(() => undefined);
      throw bodyTooLarge(bodyBytesMax);
    }
    chunks.push(read.value);
  }
  return concatenate(chunks, length);
}

function concatenate(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

/** `what` the bytes are, for the message. Throws RequestError invalid_request. */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    // The parser's own message quotes the body, which may be a customer's text.
    throw new RequestError("invalid_request", `The ${what} is not JSON in UTF-8.`, { cause });
  }
}
