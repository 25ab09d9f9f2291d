// A store's URL → the store. Each kind is loaded when asked for, so that a folder needs no S3 client.
import { fileURLToPath } from "node:url";
import { RegistryError } from "../errors.ts";
import type { ObjectStore } from "./object-store.ts";

const FORMS =
  'Write "file:PATH", "memory:" or "s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION" (prefix, endpoint and region may be left out).';
const SEGMENT = /^[A-Za-z0-9_=-][A-Za-z0-9._:@=-]*$/;
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const DOT_SEGMENT = /\/(\.|%2e){1,2}([/?#]|$)/i;
const S3_PARAMETERS: readonly string[] = ["endpoint", "region"];

/**
 * S3 credentials come from the AWS environment variables, files or roles, never from the URL.
 * Opens no connection yet. Throws invalid_store_url, which never repeats the URL.
 */
export async function openObjectStore(url: string): Promise<ObjectStore> {
  if (url === "memory:") return new (await import("./memory.ts")).MemoryStore();
  if (url.startsWith("file:")) return new (await import("./file.ts")).FileStore(parseFolder(url));
  if (url.startsWith("s3://")) return new (await import("./s3.ts")).S3Store(parseS3Url(url));
  throw new RegistryError("invalid_store_url", `This is no URL of a store. ${FORMS}`);
}

/** Whether a store's objects lie in this process or in a folder: then a copy on disk would gain nothing. */
export function isOnThisMachine(url: string): boolean {
  return !url.startsWith("s3:");
}

/** file:relative, file:/absolute and file:///absolute. */
function parseFolder(url: string): string {
  try {
    const folder = url.startsWith("file://") ? fileURLToPath(url) : url.slice("file:".length);
    if (folder !== "") return folder;
  } catch {
    // Said below.
  }
  throw new RegistryError("invalid_store_url", `The store's URL names no folder. ${FORMS}`);
}

export interface S3Location {
  readonly bucket: string;
  /** "" or ends with "/". */
  readonly prefix: string;
  readonly endpoint?: string;
  readonly region?: string;
}

function parseS3Url(text: string): S3Location {
  const url = parseUrl(text, "The store's URL cannot be read.");
  // A URL parser would resolve these silently, and the prefix would be another than was written.
  refuseIf(DOT_SEGMENT.test(text), "The prefix in the store's URL has a . or .. in it.");
  refuseIf(
    url.username !== "" || url.password !== "",
    "Credentials do not belong into the store's URL: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
  );
  refuseIf(!BUCKET.test(url.hostname) || url.port !== "", "The store's URL names no bucket that can exist.");
  const unknown = [...url.searchParams.keys()].some((name) => !S3_PARAMETERS.includes(name));
  refuseIf(unknown || url.hash !== "", "The store's URL has parts that are not known.");
  const segments = url.pathname.split("/").filter((segment) => segment !== "");
  refuseIf(
    !segments.every((segment) => SEGMENT.test(segment)),
    "The prefix in the store's URL has characters that no key may have.",
  );
  const endpoint = url.searchParams.get("endpoint");
  const region = url.searchParams.get("region");
  return {
    bucket: url.hostname,
    prefix: segments.map((segment) => `${segment}/`).join(""),
    ...(endpoint !== null && { endpoint: parseEndpoint(endpoint) }),
    ...(region !== null && { region }),
  };
}

function parseEndpoint(text: string): string {
  const url = parseUrl(text, "The endpoint in the store's URL cannot be read.");
  const isHttp = url.protocol === "https:" || url.protocol === "http:";
  refuseIf(!isHttp, "The endpoint in the store's URL must start with https:// or http://.");
  refuseIf(
    url.username !== "" || url.password !== "",
    "Credentials do not belong into the endpoint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
  );
  refuseIf(
    url.search !== "" || url.hash !== "",
    "The endpoint in the store's URL has parts that are not known.",
  );
  return url.href.replace(/\/$/, "");
}

function parseUrl(text: string, message: string): URL {
  const url = URL.parse(text);
  if (url) return url;
  throw new RegistryError("invalid_store_url", `${message} ${FORMS}`);
}

function refuseIf(isWrong: boolean, message: string): void {
  if (isWrong) throw new RegistryError("invalid_store_url", `${message} ${FORMS}`);
}
