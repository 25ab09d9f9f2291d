// Objects in a Cloudflare R2 bucket by a Worker's binding: no credentials, no HTTP of our own. From anywhere else R2 is
// reached as S3 is (s3.ts); both see the same objects.
import { RegistryError } from "../errors.ts";
import { checkKey, checkPrefix, checkSize, clampListLimit } from "./check-object.ts";
import type {
  ListOptions,
  ObjectPage,
  ObjectPart,
  ObjectStore,
  PutCondition,
  PutResult,
  StoredObject,
} from "./object-store.ts";
import { endOf } from "./page.ts";
import { probeConditions } from "./probe-conditions.ts";

/** As much of an R2 bucket's binding as is used here. */
export interface R2Binding {
  get(
    key: string,
    options?: { range: { offset: number; length: number } },
  ): Promise<(R2Entry & { arrayBuffer(): Promise<ArrayBuffer> }) | null>;
  /** Null where the condition does not hold. */
  put(
    key: string,
    bytes: Uint8Array,
    options?: { onlyIf: { etagMatches?: string; etagDoesNotMatch?: string } },
  ): Promise<R2Entry | null>;
  delete(key: string): Promise<void>;
  list(options: {
    prefix: string;
    limit: number;
    delimiter?: string;
    startAfter?: string;
  }): Promise<{ objects: R2Entry[]; delimitedPrefixes: string[]; truncated: boolean }>;
}

interface R2Entry {
  readonly key: string;
  readonly size: number;
  readonly etag: string;
  readonly uploaded: Date;
}

export class R2BindingStore implements ObjectStore {
  readonly description = "the R2 bucket of this Worker's binding";
  readonly #bucket: R2Binding;

  constructor(bucket: R2Binding) {
    this.#bucket = bucket;
  }

  async get(key: string): Promise<StoredObject | undefined> {
    checkKey(key);
    const found = await this.#run(() => this.#bucket.get(key));
    if (!found) return undefined;
    checkSize(key, found.size);
    return { bytes: new Uint8Array(await this.#run(() => found.arrayBuffer())), etag: found.etag };
  }

  async getPart(key: string, { from, bytesMax }: ObjectPart): Promise<Uint8Array | undefined> {
    checkKey(key);
    const [details] = (await this.list({ prefix: key, limit: 1, withDetails: true })).objects ?? [];
    if (details?.key !== key || from >= details.bytes) return undefined;
    const range = { offset: from, length: Math.min(bytesMax, details.bytes - from) };
    const found = await this.#run(() => this.#bucket.get(key, { range }));
    return found ? new Uint8Array(await this.#run(() => found.arrayBuffer())) : undefined;
  }

  async put(key: string, bytes: Uint8Array, condition?: PutCondition): Promise<PutResult> {
    checkKey(key);
    checkSize(key, bytes.byteLength);
    const stored = await this.#run(() =>
      condition ? this.#bucket.put(key, bytes, { onlyIf: onlyIf(condition) }) : this.#bucket.put(key, bytes),
    );
    return stored ? { stored: true, etag: stored.etag } : { stored: false };
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    await this.#run(() => this.#bucket.delete(key));
  }

  async list(options: ListOptions): Promise<ObjectPage> {
    checkPrefix(options.prefix);
    const { prefix, delimiter, after, limit } = options;
    const listed = await this.#run(() =>
      this.#bucket.list({
        ...{ prefix, limit: clampListLimit(limit) },
        ...(delimiter && { delimiter }),
        ...(after !== undefined && { startAfter: endOf(after) }),
      }),
    );
    const keys = listed.objects.map(({ key }) => key);
    const prefixes = listed.delimitedPrefixes;
    const last = [...keys.slice(-1), ...prefixes.slice(-1)].sort().at(-1);
    const page = { keys, prefixes, ...(listed.truncated && last !== undefined && { next: last }) };
    if (!options.withDetails) return page;
    const objects = listed.objects.map(({ key, size, uploaded }) => ({
      key,
      bytes: size,
      modifiedMs: uploaded.getTime(),
    }));
    return { ...page, objects };
  }

  async check(): Promise<void> {
    await this.list({ prefix: "", limit: 1 });
    await probeConditions(this);
  }

  async close(): Promise<void> {}

  async #run<Value>(call: () => Promise<Value>): Promise<Value> {
    try {
      return await call();
    } catch (error) {
      throw new RegistryError(
        "store_unreachable",
        `The object store (${this.description}) did not answer: try again.`,
        error,
      );
    }
  }
}

function onlyIf(condition: PutCondition) {
  return "ifMatch" in condition ? { etagMatches: condition.ifMatch } : { etagDoesNotMatch: "*" };
}
