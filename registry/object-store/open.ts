// A store's URL → the store. Each kind is loaded when asked for, so that a folder needs no S3 client.
import { fileURLToPath } from "node:url";
import { RegistryError } from "../errors.ts";
import type { ObjectStore } from "./object-store.ts";
import { parseS3Url, STORE_URL_FORMS } from "./s3-url.ts";

/**
 * S3 credentials come from the AWS environment variables, files or roles, never from the URL.
 * Opens no connection yet. Throws invalid_store_url, which never repeats the URL.
 */
export async function openObjectStore(url: string): Promise<ObjectStore> {
  if (url === "memory:") return new (await import("./memory.ts")).MemoryStore();
  if (url.startsWith("file:")) return new (await import("./file.ts")).FileStore(parseFolder(url));
  if (url.startsWith("s3://")) return new (await import("./s3.ts")).S3Store(parseS3Url(url));
  throw new RegistryError("invalid_store_url", `This is no URL of a store. ${STORE_URL_FORMS}`);
}

/** Whether a store's objects lie in this process or in a folder: then a copy on disk would gain nothing. */
export function isOnThisMachine(url: string): boolean {
  return !url.startsWith("s3:");
}

/** The path of a store's folder; undefined where it is none. Throws invalid_store_url. */
export function folderOfStore(url: string): string | undefined {
  return url.startsWith("file:") ? parseFolder(url) : undefined;
}

/** file:relative, file:/absolute and file:///absolute. */
function parseFolder(url: string): string {
  try {
    const folder = url.startsWith("file://") ? fileURLToPath(url) : url.slice("file:".length);
    if (folder !== "") return folder;
  } catch {
    // Said below.
  }
  throw new RegistryError("invalid_store_url", `The store's URL names no folder. ${STORE_URL_FORMS}`);
}
