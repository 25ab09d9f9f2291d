// The URL of an S3 store → bucket, prefix, endpoint and region.
import { RegistryError } from "../errors.ts";

export const STORE_URL_FORMS =
  'Write "file:PATH", "memory:" or "s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION" (prefix, endpoint and region may be left out).';
const SEGMENT = /^[A-Za-z0-9_=-][A-Za-z0-9._:@=-]*$/;
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const DOT_SEGMENT = /\/(\.|%2e){1,2}([/?#]|$)/i;
const S3_PARAMETERS: readonly string[] = ["endpoint", "region"];
const REGION_DEFAULT = "us-east-1";

export interface S3Location {
  readonly bucket: string;
  /** "" or ends with "/". */
  readonly prefix: string;
  readonly endpoint?: string;
  readonly region?: string;
}

/** As the URL or the AWS variables name it. */
export function regionOf({ region }: Pick<S3Location, "region">): string {
  const { AWS_REGION, AWS_DEFAULT_REGION } = process.env;
  return region ?? AWS_REGION ?? AWS_DEFAULT_REGION ?? REGION_DEFAULT;
}

/** Throws invalid_store_url. */
export function parseS3Url(text: string): S3Location {
  refuseIf(!text.startsWith("s3://"), "The store's URL does not name a bucket.");
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
  throw new RegistryError("invalid_store_url", `${message} ${STORE_URL_FORMS}`);
}

function refuseIf(isWrong: boolean, message: string): void {
  if (isWrong) throw new RegistryError("invalid_store_url", `${message} ${STORE_URL_FORMS}`);
}
