// The one interface to bytes by key that the registry rests on. Implementations: memory, file, s3;
// all pass contract.ts. Keys are "/"-separated segments of [A-Za-z0-9._:@=-], never "." or "..",
// at most 512 characters, and no key is a prefix folder of another ("x" and "x/y").

export interface StoredObject {
  /** A plain array that owns the whole of its buffer, so that typed views of it are aligned. */
  readonly bytes: Uint8Array;
  /** Opaque; changes with the content. */
  readonly etag: string;
}

export type PutCondition =
  /** Only if the key is free. */
  | { readonly ifNoneMatch: "*" }
  /** Only if the object's etag is still this one. */
  | { readonly ifMatch: string };

export type PutResult =
  | { readonly stored: true; readonly etag: string }
  /** The condition did not hold; nothing was written. */
  | { readonly stored: false };

export interface ObjectDetails {
  readonly key: string;
  readonly bytes: number;
  /** When it was last written, by the store's own clock: no other clock may be compared with it. */
  readonly modifiedMs: number;
}

export interface ListOptions {
  readonly prefix: string;
  readonly delimiter?: "/";
  readonly after?: string;
  /** 1 … 1000, default 1000. */
  readonly limit?: number;
  /** Whether sizes and times are wanted; a folder has to look at each file for them. */
  readonly withDetails?: true;
}

export interface ObjectPage {
  readonly keys: readonly string[];
  /** Distinct "prefix…/" groups when a delimiter was asked for. */
  readonly prefixes: readonly string[];
  /** Pass as `after` to go on; absent on the last page. */
  readonly next?: string;
  /** Of the keys, in their order, when they were asked for; what was deleted meanwhile may be missing. */
  readonly objects?: readonly ObjectDetails[];
}

export interface ObjectPart {
  readonly from: number;
  /** At least 1. */
  readonly bytesMax: number;
}

/** A request that writes one object, to be sent by whoever has it. */
export interface PresignedPut {
  readonly method: "PUT";
  /** A secret for as long as it is valid. */
  readonly url: string;
  /** To be sent as they are: the signature is over them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly expiresAt: string;
}

export interface ObjectStore {
  /** For messages: never holds credentials. */
  readonly description: string;
  get(key: string): Promise<StoredObject | undefined>;
  /**
   * So many bytes of an object from a place within it, or what there is up to its end: for objects that are not to be
   * in memory whole. Undefined where there is no such object, or it ends before. An object that is written meanwhile
   * may give parts of both: read so what is never written again.
   */
  getPart(key: string, part: ObjectPart): Promise<Uint8Array | undefined>;
  put(key: string, bytes: Uint8Array, condition?: PutCondition): Promise<PutResult>;
  /** Deleting an absent key is no error. */
  delete(key: string): Promise<void>;
  /** Ascending by code unit. */
  list(options: ListOptions): Promise<ObjectPage>;
  /** Throws RegistryError store_unreachable, store_refused or store_unsuitable (ignores conditions). */
  check(): Promise<void>;
  close(): Promise<void>;
  /**
   * For content of this digest and size and no other, and only while the key is free. Absent where objects are not
   * reached by URL.
   */
  presignPut?(
    key: string,
    upload: { readonly digest: string; readonly bytes: number; readonly expiresInSeconds: number },
  ): Promise<PresignedPut>;
}

/** The largest are datasets. */
export const OBJECT_BYTES_MAX = 1024 * 1024 * 1024;
