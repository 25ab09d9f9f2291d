// What a changeable thing was when it was read, so that a change of it can be bound to that: two that read the same
// and both change it do not overwrite each other.
import { createHash } from "node:crypto";
import type { AliasPointer } from "./adapter-state.ts";
import type { Retention } from "./change.ts";
import { RegistryError } from "./errors.ts";

/** "any": whatever it is, it must be there. "none": it must not be there. Else it must be one of these. */
export type RevisionCondition = "any" | "none" | readonly string[];

/** What a change can be bound to. revision_changed otherwise, and nothing is changed. */
export interface RevisionOptions {
  readonly ifRevision?: RevisionCondition;
}

/** Of all that a caller can see or bring about of it. */
export function revisionOfAlias(pointer: AliasPointer): string {
  const { version, digest, trail, protection = null } = pointer;
  return digestOf({ version, digest, trail, protection });
}

export function revisionOfRetention(retention: Retention | undefined): string {
  return digestOf(retention ?? null);
}

/** Throws revision_changed. revision: of what is there; undefined where it is not. */
export function requireRevision(
  revision: string | undefined,
  condition: RevisionCondition | undefined,
): void {
  if (condition === undefined) return;
  const isMet =
    condition === "none"
      ? revision === undefined
      : revision !== undefined && (condition === "any" || condition.includes(revision));
  if (isMet) return;
  const now = revision === undefined ? "it is not there" : "it is another than you have read";
  throw new RegistryError("revision_changed", `Not changed: ${now}. Read it again, then change it.`);
}

function digestOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 32);
}
