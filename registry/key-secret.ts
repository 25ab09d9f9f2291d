// The form of an API key's secret: "sg_", 40 random characters and 6 that check them, all url-safe.
// Prefix and checksum let secret scanners tell a real key from text that looks like one, and let us
// refuse a mistyped one without asking the store.
import { createHash } from "node:crypto";

export const SECRET_RANDOM_BYTES = 30;
const CHECK_LENGTH = 6;
const SECRET = /^sg_([A-Za-z0-9_-]{40})([A-Za-z0-9_-]{6})$/;

export function formatSecret(randomBytes: Uint8Array): string {
  const body = Buffer.from(randomBytes).toString("base64url");
  return `sg_${body}${checkOf(body)}`;
}

export function isSecret(value: string): boolean {
  const [, body, check] = SECRET.exec(value) ?? [];
  return body !== undefined && check === checkOf(body);
}

/** Hexadecimal. A plain hash is enough: 240 random bits cannot be guessed from it. */
export function secretDigestOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

function checkOf(body: string): string {
  return createHash("sha256").update(body).digest("base64url").slice(0, CHECK_LENGTH);
}
