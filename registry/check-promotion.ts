// May a protected alias move to a version? By its rule, the versions' reports decide, or their figures on a test
// set; without a rule, or against it, only force and a reason move it.
import type { AliasPointer } from "./adapter-state.ts";
import type { PromotionRule, ReportRule, TestSetRule } from "./change.ts";
import type { RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import { findEvaluation } from "./evaluations.ts";
import { figureOf } from "./figure-of.ts";
import { findVersion } from "./find-version.ts";
import type { AdapterOwner } from "./layout.ts";

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
  const versions = { alias, version, currentVersion: pointer.version };
  const reason = await compare(context, owner, { rule: protection.rule, ...versions });
  if (reason === undefined) return undefined;
  return new RegistryError(
    "promotion_refused",
    `${reason} Move it with force and a reason (why) if you must.`,
  );
}

interface Comparison<Rule extends PromotionRule> {
  readonly rule: Rule;
  readonly alias: string;
  readonly version: number;
  readonly currentVersion: number;
}

/** Why the rule does not let the alias move; undefined when it does. */
function compare(
  context: RegistryContext,
  owner: AdapterOwner,
  { rule, ...versions }: Comparison<PromotionRule>,
): Promise<string | undefined> {
  return rule.on === "testSet"
    ? compareOnTestSet(context, owner, { rule, ...versions })
    : compareReports(context, owner, { rule, ...versions });
}

async function compareReports(
  context: RegistryContext,
  owner: AdapterOwner,
  { rule, ...versions }: Comparison<ReportRule>,
): Promise<string | undefined> {
  const { alias, version, currentVersion } = versions;
  const figure = `${metricNames[rule.metric]} on ${placeNames[rule.on]}`;
  const [mine, theirs] = await Promise.all(
    [version, currentVersion].map(async (number) =>
      figureOf((await findVersion(context, owner, number))?.manifest.report, rule),
    ),
  );
  if (mine === undefined)
    return `The report of version ${version} has no ${figure}, which ${alias} is held to.`;
  if (theirs === undefined) {
    return `The report of version ${currentVersion}, where ${alias} points, has no ${figure} to compare with.`;
  }
  return compareFigures({ mine, theirs, figure, marginMax: rule.marginMax }, versions);
}

async function compareOnTestSet(
  context: RegistryContext,
  owner: AdapterOwner,
  { rule, ...versions }: Comparison<TestSetRule>,
): Promise<string | undefined> {
  const { alias, version, currentVersion } = versions;
  const { datasetId, metric, marginMax } = rule;
  const [mine, theirs] = await Promise.all(
    [version, currentVersion].map((number) => findEvaluation(context, owner, { version: number, datasetId })),
  );
  if (!mine || !theirs) {
    const missing = mine ? currentVersion : version;
    return (
      `Alias ${alias} is held to test set ${datasetId}, and version ${missing} has no figures on it yet: ` +
      `softgate evaluate --adapter ${owner.name}:${missing} --dataset ${datasetId} --record makes them.`
    );
  }
  const figure = `${metricNames[metric]} on test set ${datasetId}`;
  return compareFigures({ mine: mine[metric], theirs: theirs[metric], figure, marginMax }, versions);
}

function compareFigures(
  { mine, theirs, figure, marginMax }: { mine: number; theirs: number; figure: string; marginMax: number },
  { alias, version, currentVersion }: Omit<Comparison<PromotionRule>, "rule">,
): string | undefined {
  if (mine >= theirs - marginMax - ROUNDING) return undefined;
  return (
    `Version ${version} has a ${figure} of ${mine.toFixed(4)}, and version ${currentVersion}, where ${alias} ` +
    `points, of ${theirs.toFixed(4)}: it may be lower by at most ${marginMax}.`
  );
}
