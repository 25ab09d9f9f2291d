// What every store refuses, whatever lies under it. Keys come from layout.ts and never from outside,
// so a bad one is a broken invariant.
import { RegistryError } from "../errors.ts";
import { OBJECT_BYTES_MAX } from "./object-store.ts";

const KEY_LENGTH_MAX = 512;
const SEGMENT = /^[A-Za-z0-9._:@=-]+$/;

export function checkKey(key: string): void {
  if (!isKey(key)) throw new Error(`invariant: ${JSON.stringify(key)} is no object key`);
}

/** Of what a listing gives, which others may have put there. */
export function isKey(key: string): boolean {
  const segments = key.split("/");
  const isValid = segments.every((segment) => SEGMENT.test(segment) && segment !== "." && segment !== "..");
  return isValid && key.length <= KEY_LENGTH_MAX;
}

/** A prefix is the beginning of a key; it may be empty or end within a segment. */
export function checkPrefix(prefix: string): void {
  checkKey(`${prefix}x`);
}

/** Throws limit_exceeded. */
export function checkSize(key: string, byteCount: number): void {
  if (byteCount <= OBJECT_BYTES_MAX) return;
  throw new RegistryError(
    "limit_exceeded",
    `Object ${key} has ${byteCount} bytes; at most ${OBJECT_BYTES_MAX} are kept in one.`,
  );
}

export function clampListLimit(limit = 1000): number {
  return Math.min(Math.max(Math.trunc(limit), 1), 1000);
}
