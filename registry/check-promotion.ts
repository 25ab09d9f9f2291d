// May a protected alias move to a version? By its rule, the versions' reports decide; without a rule, or
// against it, only force and a reason move it.
import type { AliasPointer } from "./adapter-state.ts";
import type { PromotionRule } from "./change.ts";
import type { RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import { figureOf } from "./figure-of.ts";
import { findVersion } from "./find-version.ts";
import type { AdapterOwner } from "./layout.ts";
import type { ResolvedAdapter } from "./registry.ts";

const metricNames = { accuracy: "accuracy", macroF1: "macro-F1" } as const;
const placeNames = { heldOut: "held-out rows", validation: "validation rows" } as const;
/** What rounding may make of a difference that is the margin itself. */
const ROUNDING = 1e-9;

export interface ForceOptions {
  /** Move it although it is protected; needs a reason. */
  readonly force?: boolean;
  readonly why?: string;
}

/** Throws alias_protected, promotion_refused. */
export async function requirePromotion(
  context: RegistryContext,
  owner: AdapterOwner,
  move: { pointer: AliasPointer | undefined; version: number } & ForceOptions,
): Promise<void> {
  if (move.pointer?.protection === undefined) return;
  if (move.force) return requireReason(`Alias ${move.pointer.alias} of ${owner.name}`, move);
  const refusal = await findRefusal(context, owner, move);
  if (refusal) throw refusal;
}

/** Throws alias_protected. */
export function requireReason(what: string, { force, why }: ForceOptions): void {
  if (force && why !== undefined && why.trim() !== "") return;
  const message = `${what} is protected: use force, and give a reason (why) for the history.`;
  throw new RegistryError("alias_protected", message);
}

/** Why a protected alias may not move there without force; undefined when it may. */
export async function findRefusal(
  context: RegistryContext,
  owner: AdapterOwner,
  { pointer, version }: { pointer: AliasPointer | undefined; version: number },
): Promise<RegistryError | undefined> {
  if (pointer?.protection === undefined || pointer.version === version) return undefined;
  const { alias, protection } = pointer;
  if (!protection.rule) {
    const message = `Alias ${alias} of ${owner.name} is protected: move it with force and a reason (why).`;
    return new RegistryError("alias_protected", message);
  }
  const [target, current] = await Promise.all([
    findVersion(context, owner, version),
    findVersion(context, owner, pointer.version),
  ]);
  const reason = compare(protection.rule, {
    alias,
    version,
    target,
    current,
    currentVersion: pointer.version,
  });
  if (reason === undefined) return undefined;
  return new RegistryError(
    "promotion_refused",
    `${reason} Move it with force and a reason (why) if you must.`,
  );
}

function compare(
  rule: PromotionRule,
  versions: {
    alias: string;
    version: number;
    currentVersion: number;
    target: ResolvedAdapter | undefined;
    current: ResolvedAdapter | undefined;
  },
): string | undefined {
  const { alias, version, currentVersion } = versions;
  const figure = `${metricNames[rule.metric]} on ${placeNames[rule.on]}`;
  const [mine, theirs] = [versions.target, versions.current].map((found) =>
    figureOf(found?.manifest.report, rule),
  );
  if (mine === undefined)
    return `The report of version ${version} has no ${figure}, which ${alias} is held to.`;
  if (theirs === undefined) {
    return `The report of version ${currentVersion}, where ${alias} points, has no ${figure} to compare with.`;
  }
  if (mine >= theirs - rule.marginMax - ROUNDING) return undefined;
  return (
    `Version ${version} has a ${figure} of ${mine.toFixed(4)}, and version ${currentVersion}, where ${alias} ` +
    `points, of ${theirs.toFixed(4)}: it may be lower by at most ${rule.marginMax}.`
  );
}
