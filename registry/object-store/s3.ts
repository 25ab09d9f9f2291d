// Objects in an S3 bucket: AWS, R2 or any server that holds to conditional writes. The only file that
// knows S3. Requests are bounded in time and tries. Credentials come from the AWS provider chain.
import { setTimeout } from "node:timers/promises";
import {
  type _Object,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
} from "@aws-sdk/client-s3";
import { checkKey, checkPrefix, checkSize, clampListLimit } from "./check-object.ts";
import type {
  ListOptions,
  ObjectDetails,
  ObjectPage,
  ObjectPart,
  ObjectStore,
  PresignedPut,
  PutCondition,
  PutResult,
  StoredObject,
} from "./object-store.ts";
import { endOf } from "./page.ts";
import { probeConditions } from "./probe-conditions.ts";
import {
  attemptsOf,
  bodyCutOff,
  clockIsWrong,
  isBeyondEnd,
  isConditionUnmet,
  isNoSuchKey,
  isTooManyWrites,
  isWriteConflict,
  notS3,
  s3ErrorOf,
} from "./s3-errors.ts";
import { regionOf, type S3Location } from "./s3-url.ts";

const CONNECT_MS_MAX = 3_000;
const REQUEST_MS_MAX = 15_000;
const ATTEMPTS_MAX = 3;
/** All attempts of one call and the reading of its body. */
const CALL_MS_MAX = 60_000;
/** Of what is written: a large object may take longer than other requests, at this rate at least. */
const WRITTEN_BYTES_PER_SECOND_MIN = 1024 * 1024;
/** Tries of a write that the server calls one too many, or a conflict with one in progress. */
const CONFLICT_ATTEMPTS_MAX = 4;
/** Between the first two of them; doubled each time. */
const CONFLICT_PAUSE_MS = 50;
/** Between writes of an object, where one too many was answered, at least. */
const TOO_MANY_PAUSE_MS = 1_000;
/** Between this machine's clock and the server's. */
const CLOCK_MS_MAX = 300_000;
/** Headers that a presigned upload is bound to. As query parameters some servers would not look at them. */
const PRESIGNED_HEADERS = new Set(["host", "content-length", "if-none-match", "x-amz-checksum-sha256"]);

export class S3Store implements ObjectStore {
  readonly description: string;
  readonly #client: S3Client;
  readonly #location: S3Location;

  constructor(location: S3Location) {
    const { bucket, prefix, endpoint } = location;
    this.#location = location;
    this.#client = createClient(location);
    this.description = `s3://${bucket}/${prefix} at ${endpoint ?? "AWS"}`;
  }

  async get(key: string): Promise<StoredObject | undefined> {
    return this.#fetchWhole(key);
  }

  async getPart(key: string, part: ObjectPart): Promise<Uint8Array | undefined> {
    return (await this.#fetchWhole(key, part))?.bytes;
  }

  async put(key: string, bytes: Uint8Array, condition?: PutCondition): Promise<PutResult> {
    checkKey(key);
    checkSize(key, bytes.byteLength);
    let attempts = 0;
    for (let round = 1; ; round += 1) {
      try {
        return { stored: true, etag: await this.#send(key, bytes, condition) };
      } catch (error) {
        attempts += attemptsOf(error);
        if (isTooManyWrites(error) && round < CONFLICT_ATTEMPTS_MAX) {
          await setTimeout(TOO_MANY_PAUSE_MS * (1 + Math.random()));
          continue;
        }
        if (!condition || !isConditionUnmet(error)) throw s3ErrorOf(error, this.description);
        const isConflict = isWriteConflict(error);
        if (isConflict && round < CONFLICT_ATTEMPTS_MAX) {
          await setTimeout(Math.random() * CONFLICT_PAUSE_MS * 2 ** round);
        } else if (attempts === 1) {
          return { stored: false };
        } else {
          return this.#findOut(key, { bytes, condition, error });
        }
      }
    }
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    const command = new DeleteObjectCommand({ Bucket: this.#location.bucket, Key: this.#keyOf(key) });
    await this.#run(() => this.#client.send(command, inTime()));
  }

  async list(options: ListOptions): Promise<ObjectPage> {
    checkPrefix(options.prefix);
    const { prefix, delimiter, after, limit } = options;
    const command = new ListObjectsV2Command({
      Bucket: this.#location.bucket,
      Prefix: this.#keyOf(prefix),
      MaxKeys: clampListLimit(limit),
      Delimiter: delimiter,
      StartAfter: after === undefined ? undefined : this.#keyOf(endOf(after)),
    });
    const {
      Contents = [],
      CommonPrefixes = [],
      IsTruncated,
    } = await this.#run(() => this.#client.send(command, inTime()));
    const keys = Contents.map(({ Key = "" }) => this.#withoutPrefix(Key));
    const prefixes = CommonPrefixes.map(({ Prefix = "" }) => this.#withoutPrefix(Prefix));
    const last = [...keys.slice(-1), ...prefixes.slice(-1)].sort().at(-1);
    const page = { keys, prefixes, ...(IsTruncated && last !== undefined && { next: last }) };
    return options.withDetails ? { ...page, objects: Contents.map((entry) => this.#detailsOf(entry)) } : page;
  }

  async check(): Promise<void> {
    await this.list({ prefix: "", limit: 1 });
    await probeConditions(this);
    const { systemClockOffset: offsetMs } = this.#client.config;
    if (Math.abs(offsetMs) > CLOCK_MS_MAX) throw clockIsWrong(this.description, offsetMs);
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }

  async presignPut(
    key: string,
    { digest, bytes, expiresInSeconds }: Parameters<NonNullable<ObjectStore["presignPut"]>>[1],
  ): Promise<PresignedPut> {
    checkKey(key);
    checkSize(key, bytes);
    // Loaded late: most processes sign no URL.
    const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
    const sha256 = Buffer.from(digest.replace("sha256:", ""), "hex").toString("base64");
    const command = new PutObjectCommand({
      ...{ Bucket: this.#location.bucket, Key: this.#keyOf(key) },
      ...{ ContentLength: bytes, ChecksumSHA256: sha256, IfNoneMatch: "*" },
    });
    const signingDate = new Date();
    const options = { signableHeaders: PRESIGNED_HEADERS, unhoistableHeaders: PRESIGNED_HEADERS };
    const url = await this.#run(() =>
      getSignedUrl(this.#client, command, { ...options, signingDate, expiresIn: expiresInSeconds }),
    );
    return {
      method: "PUT",
      url,
      headers: { "Content-Length": String(bytes), "If-None-Match": "*", "x-amz-checksum-sha256": sha256 },
      expiresAt: new Date(signingDate.getTime() + expiresInSeconds * 1_000).toISOString(),
    };
  }

  /** Of the object, or of its part, all that was announced. */
  async #fetchWhole(key: string, part?: ObjectPart): Promise<StoredObject | undefined> {
    checkKey(key);
    try {
      // The client tries requests again, but not the reading of a body that ends too early.
      for (let attempt = 1; ; attempt += 1) {
        const stored = await this.#fetch(key, part);
        if (stored !== "cut off") return stored;
        if (attempt >= ATTEMPTS_MAX) throw bodyCutOff(this.description);
      }
    } catch (error) {
      if (isNoSuchKey(error) || (part && isBeyondEnd(error))) return undefined;
      throw s3ErrorOf(error, this.description);
    }
  }

  async #fetch(key: string, part: ObjectPart | undefined): Promise<StoredObject | "cut off" | undefined> {
    const command = new GetObjectCommand({
      ...{ Bucket: this.#location.bucket, Key: this.#keyOf(key) },
      ...(part && { Range: `bytes=${part.from}-${part.from + part.bytesMax - 1}` }),
    });
    const { Body, ETag, ContentLength = 0, ContentRange } = await this.#client.send(command, inTime());
    // One that knows no ranges sends the whole of it.
    if (part && !ContentRange?.startsWith(`bytes ${part.from}-`)) throw notS3(this.description);
    checkSize(key, ContentLength);
    if (!Body || !ETag) throw new Error(`invariant: S3 sent ${key} without body or ETag`);
    const bytes = await Body.transformToByteArray().catch(() => undefined);
    if (bytes?.byteLength !== ContentLength) return "cut off";
    return { bytes: new Uint8Array(bytes), etag: ETag };
  }

  async #send(key: string, bytes: Uint8Array, condition: PutCondition | undefined): Promise<string> {
    const input: PutObjectCommandInput = {
      Bucket: this.#location.bucket,
      Key: this.#keyOf(key),
      Body: bytes,
      ContentLength: bytes.byteLength,
      ...(condition && "ifMatch" in condition ? { IfMatch: condition.ifMatch } : {}),
      ...(condition && "ifNoneMatch" in condition ? { IfNoneMatch: "*" } : {}),
    };
    const { ETag } = await this.#client.send(new PutObjectCommand(input), inTimeOf(bytes.byteLength));
    if (!ETag) throw notS3(this.description);
    return ETag;
  }

  /**
   * Of a write that was tried more than once and refused at last. When a reply was lost, the retry of our own write
   * is refused: what stands may be ours. Who must know it from an equal write of another puts a nonce into the
   * bytes. A conflict that stays says nothing of the condition: unless what stands does, the write is unknown.
   */
  async #findOut(
    key: string,
    { bytes, condition, error }: { bytes: Uint8Array; condition: PutCondition; error: unknown },
  ): Promise<PutResult> {
    const stored = await this.get(key);
    if (stored && Buffer.compare(stored.bytes, bytes) === 0) return { stored: true, etag: stored.etag };
    const isMet = "ifMatch" in condition ? stored?.etag === condition.ifMatch : stored === undefined;
    if (isMet && isWriteConflict(error)) throw s3ErrorOf(error, this.description);
    return { stored: false };
  }

  #keyOf(key: string): string {
    return `${this.#location.prefix}${key}`;
  }

  #detailsOf({ Key = "", Size, LastModified }: _Object): ObjectDetails {
    if (Size === undefined || !LastModified)
      throw new Error(`invariant: S3 lists ${Key} without size or time`);
    return { key: this.#withoutPrefix(Key), bytes: Size, modifiedMs: LastModified.getTime() };
  }

  #withoutPrefix(key: string): string {
    return key.slice(this.#location.prefix.length);
  }

  async #run<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw isNoSuchKey(error) ? error : s3ErrorOf(error, this.description);
    }
  }
}

function createClient(location: S3Location): S3Client {
  const { endpoint } = location;
  return new S3Client({
    region: regionOf(location),
    // A host name per bucket is AWS's way; other servers are addressed by path.
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
    maxAttempts: ATTEMPTS_MAX,
    requestHandler: {
      connectionTimeout: CONNECT_MS_MAX,
      requestTimeout: REQUEST_MS_MAX,
      throwOnRequestTimeout: true,
    },
  });
}

/** To write so many bytes; each attempt may take this long, and all of them together little longer. */
function inTimeOf(bytes: number): { abortSignal: AbortSignal; requestTimeout: number } {
  const sendingMs = Math.floor(bytes / WRITTEN_BYTES_PER_SECOND_MIN) * 1_000;
  return {
    abortSignal: AbortSignal.timeout(CALL_MS_MAX + sendingMs),
    requestTimeout: REQUEST_MS_MAX + sendingMs,
  };
}

function inTime(): { abortSignal: AbortSignal } {
  return { abortSignal: AbortSignal.timeout(CALL_MS_MAX) };
}
