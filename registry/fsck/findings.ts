// What a check of a store can find: a stable code, what it means, what to do. docs/how-to/store.md lists them.

/** damage: something that should be there is not, or is not as it was written. leftover: takes up room, no more. */
type Severity = "damage" | "leftover";

interface Meaning {
  readonly severity: Severity;
  readonly means: string;
  readonly remedy: string;
}

const RESTORE = "Restore this object from a copy of the store.";
const REPAIR = "Run softgate store fsck --repair.";
const COLLECT = "Run softgate adapters gc.";

export const meaningByCode = {
  record_damaged: {
    severity: "damage",
    means: "This record is not what Softgate writes.",
    remedy: RESTORE,
  },
  manifest_damaged: {
    severity: "damage",
    means: "This version's manifest cannot be read: the version cannot be used.",
    remedy: `${RESTORE} Without one, delete the version, or publish it again.`,
  },
  blob_missing: {
    severity: "damage",
    means: "A file that this manifest or dataset record names is not in the store.",
    remedy:
      "Restore the named blob from a copy of the store, or delete what names it and publish or upload again.",
  },
  blob_size_wrong: {
    severity: "damage",
    means: "A file that this manifest or dataset record names has another size than it says.",
    remedy: "Restore the named blob from a copy of the store.",
  },
  blob_damaged: {
    severity: "damage",
    means: "The bytes of this blob are not those its name says.",
    remedy: RESTORE,
  },
  alias_broken: {
    severity: "damage",
    means: "An alias points at a version that is not there, is deleted, or has another manifest than it had.",
    remedy: "Move the alias to a version that is whole: softgate adapters set-alias.",
  },
  history_gap: {
    severity: "damage",
    means: "Changes are missing in this adapter's history, or stand twice.",
    remedy: RESTORE,
  },
  audit_missing: {
    severity: "damage",
    means: "A change that the adapter's history tells is not in the audit.",
    remedy: REPAIR,
  },
  claim_missing: {
    severity: "damage",
    means: "A version's number is not claimed: another publish could take it.",
    remedy: REPAIR,
  },
  claim_unused: {
    severity: "leftover",
    means: "A number was taken by a publish that did not end.",
    remedy: `${REPAIR} Or: softgate adapters gc.`,
  },
  evaluation_left: {
    severity: "leftover",
    means: "Figures of a version that is not there.",
    remedy: REPAIR,
  },
  feedback_left: {
    severity: "leftover",
    means: "Feedback on a version that is not there.",
    remedy: REPAIR,
  },
  blob_unnamed: {
    severity: "leftover",
    means: "No manifest and no dataset names this blob.",
    remedy: COLLECT,
  },
  garbage_mark_left: {
    severity: "leftover",
    means: "The mark of a blob that was removed.",
    remedy: `${REPAIR} Or: softgate adapters gc.`,
  },
  probe_left: {
    severity: "leftover",
    means: "A check of the store was interrupted and left this.",
    remedy: REPAIR,
  },
  unknown_object: {
    severity: "leftover",
    means: "Softgate writes no object of this name.",
    remedy: "Find out whose it is. Softgate neither reads nor removes it.",
  },
} as const satisfies Record<string, Meaning>;

export type FindingCode = keyof typeof meaningByCode;

export interface Finding extends Meaning {
  readonly code: FindingCode;
  readonly key: string;
  /** What exactly: which blob, alias or sequence. */
  readonly detail?: string;
  readonly repaired: boolean;
}
