// What the file system says, as errors that say what to do.
import { RegistryError } from "../errors.ts";

export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}

export function fileErrorOf(error: unknown, root: string): unknown {
  if (error instanceof RegistryError) return error;
  if (hasCode(error, "EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST")) {
    const message = `The store's folder ${root} is no folder, or may not be read and written by this user: correct it or choose another.`;
    return new RegistryError("store_refused", message, error);
  }
  if (hasCode(error, "ENOSPC", "EDQUOT")) {
    return new RegistryError("store_unreachable", `The disk of the store's folder ${root} is full.`, error);
  }
  if (hasCode(error, "EIO", "ESTALE", "EMFILE", "ENFILE")) {
    return new RegistryError("store_unreachable", `The store's folder ${root} does not answer.`, error);
  }
  return error;
}
