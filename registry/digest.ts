// The one way this room names content.
import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";

/** "sha256:" and 64 hexadecimal digits. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** Some milliseconds' work. */
const HASHED_AT_ONCE = 4 * 1024 * 1024;

/** The same of what may be a gigabyte: the event loop turns meanwhile. */
export async function digestOfLarge(bytes: Uint8Array): Promise<string> {
  const hash = createHash("sha256");
  for (let from = 0; from < bytes.byteLength; from += HASHED_AT_ONCE) {
    if (from > 0) await setImmediate();
    hash.update(bytes.subarray(from, from + HASHED_AT_ONCE));
  }
  return `sha256:${hash.digest("hex")}`;
}
