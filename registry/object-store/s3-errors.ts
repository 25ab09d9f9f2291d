// What an S3 server or client says, as errors that say what to do. Never passes on the server's words:
// they may hold an access key's id or a signed request.
import { RegistryError } from "../errors.ts";

const URL_SETTING = "the store's URL (--store or SOFTGATE_STORE)";
const remedyByName: Readonly<Record<string, string>> = {
  NoSuchBucket: `The bucket does not exist: create it, or correct its name in ${URL_SETTING}.`,
  InvalidAccessKeyId: "The access key is not known there: check AWS_ACCESS_KEY_ID.",
  // versitygw's word for it.
  XAdminUserNotFound: "The access key is not known there: check AWS_ACCESS_KEY_ID.",
  SignatureDoesNotMatch: "The secret key is wrong: check AWS_SECRET_ACCESS_KEY.",
  AccessDenied: "The credentials need s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket on it.",
  ExpiredToken: "The credentials have expired: renew them.",
  RequestTimeTooSkewed: "This machine's clock is wrong: set it.",
  PermanentRedirect: `The bucket is in another region: correct region= in ${URL_SETTING}, or AWS_REGION.`,
  AuthorizationHeaderMalformed: `The region is wrong: correct region= in ${URL_SETTING}, or AWS_REGION.`,
  CredentialsProviderError: "No credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
  NotFound: `Nothing there speaks S3: correct endpoint= in ${URL_SETTING}.`,
};
const REMEDY_DEFAULT = "Check the bucket, the region and the credentials.";

export function isNoSuchKey(error: unknown): boolean {
  return isAnswer(error) && error.name === "NoSuchKey";
}

/** Of a part of an object that ends before. */
export function isBeyondEnd(error: unknown): boolean {
  return error instanceof Error && statusOf(error) === 416;
}

/** Another conditional write to the key was in progress; ours did nothing. */
export function isWriteConflict(error: unknown): boolean {
  return isAnswer(error) && error.name === "ConditionalRequestConflict";
}

/** Of a write: R2 takes about one of an object a second. */
export function isTooManyWrites(error: unknown): boolean {
  return isAnswer(error) && error.$metadata.httpStatusCode === 429;
}

/** If-Match on an absent key is answered 404. */
export function isConditionUnmet(error: unknown): boolean {
  if (!isAnswer(error)) return false;
  return error.$metadata.httpStatusCode === 412 || isWriteConflict(error) || isNoSuchKey(error);
}

export function attemptsOf(error: unknown): number {
  return isAnswer(error) ? (error.$metadata.attempts ?? 1) : 1;
}

export function s3ErrorOf(error: unknown, description: string): unknown {
  if (error instanceof RegistryError || !(error instanceof Error)) return error;
  if (error.message.startsWith("invariant:")) return error;
  const { name } = error;
  const cause = new Error(`S3: ${codeOf(error)} (status ${statusOf(error) ?? "none"})`);
  if (isWriteConflict(error) || isTooManyWrites(error)) {
    const others = isWriteConflict(error) ? "writes of the same object" : "requests";
    const message = `The object store ${description} is busy with other ${others} (${codeOf(error)}): try again.`;
    return new RegistryError("store_unreachable", message, cause);
  }
  if (isRefusal(error)) {
    const remedy = Object.hasOwn(remedyByName, name) ? remedyByName[name] : REMEDY_DEFAULT;
    const message = `The object store ${description} refused (${codeOf(error)}). ${remedy}`;
    return new RegistryError("store_refused", message, cause);
  }
  if (isNoS3(error)) return notS3(description, cause);
  return new RegistryError(
    "store_unreachable",
    `The object store ${description} does not answer (${codeOf(error)}). Check that it runs and can be reached from here, and endpoint= in ${URL_SETTING}.`,
    cause,
  );
}

/** Of a server that answers, but not as S3 does: a web page, say. */
export function notS3(description: string, cause?: Error): RegistryError {
  return new RegistryError(
    "store_unsuitable",
    `What answers for the object store ${description} does not speak S3: correct endpoint= in ${URL_SETTING}.`,
    cause,
  );
}

/** The client signs anew by the server's clock; presigned URLs, and what credentials last, go by this machine's. */
export function clockIsWrong(description: string, offsetMs: number): RegistryError {
  const minutes = Math.round(Math.abs(offsetMs) / 60_000);
  const side = offsetMs > 0 ? "behind" : "ahead of";
  return new RegistryError(
    "store_refused",
    `This machine's clock is ${minutes} minutes ${side} that of the object store ${description}: set it (RequestTimeTooSkewed).`,
  );
}

/** The server has answered, or was not asked for want of credentials: to ask again is of no use. */
export function isRefusal(error: Error): boolean {
  return (isStatusOfRefusal(statusOf(error)) && !isCutOff(error)) || Object.hasOwn(remedyByName, error.name);
}

export function statusOf(error: Error): number | undefined {
  return isAnswer(error) ? error.$metadata.httpStatusCode : undefined;
}

function isStatusOfRefusal(status: number | undefined): boolean {
  return status !== undefined && status >= 400 && status < 500 && status !== 408 && status !== 429;
}

/** A reply was read whole that is none of S3's: sent elsewhere, or not to be parsed. */
function isNoS3(error: Error): boolean {
  const status = statusOf(error);
  return status !== undefined && status < 400 && !isCutOff(error);
}

/** The connection ended while a reply was read: its status has come, and says nothing. */
function isCutOff(error: Error): boolean {
  return "code" in error && typeof error.code === "string" && !("$fault" in error);
}

/** Of an object whose body ended too early, each time it was asked for. */
export function bodyCutOff(description: string): RegistryError {
  const message = `The object store ${description} breaks off while it sends an object: check the network to it.`;
  return new RegistryError("store_unreachable", message);
}

interface Answer extends Error {
  readonly $metadata: { readonly httpStatusCode?: number; readonly attempts?: number };
}

/** An error that the server sent; the client's own have no status. */
function isAnswer(error: unknown): error is Answer {
  return error instanceof Error && "$metadata" in error && typeof error.$metadata === "object";
}

/** "ECONNREFUSED" says more than "Error". */
export function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
