// The one way this room names content.
import { createHash } from "node:crypto";

/** "sha256:" and 64 hexadecimal digits. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
