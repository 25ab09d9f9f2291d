// One adapter. The target is read first, so that what another mirror brings meanwhile is not taken for a change there;
// then the source's state, and its versions after it: what a state names is among them. What is missing is sent,
// files before what names them; the state comes last, by compare-and-swap. So at every moment the target is a store
// as a server leaves it.
import { z } from "zod";
import { writeAudit } from "../audit.ts";
import { type AdapterChange, adapterChangeSchema } from "../change.ts";
import { digestOf } from "../digest.ts";
import { RegistryError } from "../errors.ts";
import { evaluationSchema } from "../evaluations.ts";
import { type AdapterOwner, historySegmentKey, manifestKey, stateKey } from "../layout.ts";
import { SWAP_ATTEMPTS_MAX } from "../limits.ts";
import { mapInParallel } from "../map-in-parallel.ts";
import { putIf, readRecord } from "../records.ts";
import { findGap, type Gap } from "./find-gap.ts";
import { diverged, type MirrorContext } from "./mirror-context.ts";
import { requireAncestor, requireKnownVersions } from "./require-fitting.ts";
import { sendOnce } from "./send-once.ts";
import { refuseAbsent, sendClaim, sendVersion } from "./send-version.ts";
import { isEmpty, type Pair, readSide } from "./side.ts";

/** targetMs: when the target's part was last written before, by its clock. */
export interface MirroredAdapter {
  readonly outcome: "absent" | "changed" | "unchanged";
  readonly targetMs: number;
}

/** Throws mirror_diverged, blob_not_found, blob_corrupt, invalid_manifest, conflict: of this adapter alone. */
export async function mirrorAdapter(context: MirrorContext, owner: AdapterOwner): Promise<MirroredAdapter> {
  for (let attempt = 0; attempt < SWAP_ATTEMPTS_MAX; attempt += 1) {
    const target = await readSide(context.target, owner);
    const source = await readSide(context.source, owner);
    const targetMs = target.newestMs;
    if (isEmpty(source)) return { outcome: "absent", targetMs };
    const pair = { source, target };
    try {
      requireKnownVersions(owner, pair);
      const gap = findGap(pair);
      if (!gap) return { outcome: "unchanged", targetMs };
      if (await bringUp(context, owner, { ...pair, gap })) return { outcome: "changed", targetMs };
    } catch (error) {
      // What is gone from a source that was changed meanwhile may be needed no more.
      if (!isOfAdapter(error) || (await isStill(context, owner, source))) throw error;
    }
  }
  throw new RegistryError("conflict", `Too many change ${owner.name} at once: mirror it again.`);
}

/** Faults that other adapters need not have. */
export function isOfAdapter(error: unknown): error is RegistryError {
  return error instanceof RegistryError && ofAdapter.has(error.code);
}

const ofAdapter = new Set<RegistryError["code"]>([
  ...(["mirror_diverged", "blob_not_found", "blob_corrupt", "invalid_manifest", "conflict"] as const),
]);

async function isStill(
  { source }: MirrorContext,
  owner: AdapterOwner,
  { state }: Pair["source"],
): Promise<boolean> {
  return (await source.get(stateKey(owner)))?.etag === state?.etag;
}

/** False where others have changed the target's state meanwhile. */
async function bringUp(
  context: MirrorContext,
  owner: AdapterOwner,
  { gap, ...pair }: Pair & { gap: Gap },
): Promise<boolean> {
  await requireAncestor(context, owner, { ...pair, gap });
  const { turns } = context;
  const sent = new Map<number, string>();
  await mapInParallel(gap.versions, async (version) => {
    sent.set(version, await turns.run(1, () => sendVersion(context, owner, version)));
  });
  await mapInParallel(gap.evaluations, (key) => turns.run(1, () => sendOnce(context, key, evaluationSchema)));
  const { claim } = gap;
  if (claim !== undefined && !sent.has(claim)) await turns.run(1, () => sendClaim(context, owner, claim));
  await sendHistory(context, owner, { ...pair, gap });
  await requireAliased(context, owner, { ...pair, sent });
  return swapState(context, owner, { ...pair, gap });
}

/** The audit's entries of changes that are new at the target, and missing segments, each after its entries. */
async function sendHistory(
  context: MirrorContext,
  owner: AdapterOwner,
  { source, target, gap }: Pair & { gap: Gap },
): Promise<void> {
  const { tenant, name: adapter } = owner;
  const known = context.force ? 0 : (target.state?.value.log.at(-1)?.sequence ?? 0);
  const audit = async ({ sequence, ...entry }: AdapterChange) => {
    if (sequence <= known) return;
    await context.turns.run(1, () => writeAudit({ store: context.target }, tenant, { ...entry, adapter }));
  };
  for (const segment of gap.segments) {
    const key = historySegmentKey(owner, segment);
    const { value, bytes } =
      (await readRecord(context.source, key, z.array(adapterChangeSchema))) ?? refuseAbsent(key);
    await mapInParallel(value, audit);
    if (!(await putIf(context.target, key, { bytes, condition: { ifNoneMatch: "*" } }))) {
      const problem = `segment ${segment} of its history was written at the target by others`;
      throw diverged(owner, { problem, remedy: "Change adapters at one of the two stores alone." });
    }
  }
  await mapInParallel(source.state?.value.log ?? [], audit);
}

/** What new aliases lead to is at the target, and is what it was. Throws blob_not_found, blob_corrupt. */
async function requireAliased(
  context: MirrorContext,
  owner: AdapterOwner,
  { source, target, sent }: Pair & { sent: ReadonlyMap<number, string> },
): Promise<void> {
  const known = target.state?.value.aliases ?? [];
  for (const { alias, version, digest } of source.state?.value.aliases ?? []) {
    if (known.some((pointer) => pointer.version === version && pointer.digest === digest)) continue;
    const key = manifestKey(owner, version);
    const found = sent.get(version) ?? digestOf(((await context.target.get(key)) ?? refuseAbsent(key)).bytes);
    if (found === digest) continue;
    const what = `version ${version} of ${owner.name}, which its alias ${alias} leads to, is not the one it was`;
    throw new RegistryError("blob_corrupt", `At the source ${what}: restore it there, or move the alias.`);
  }
}

async function swapState(
  context: MirrorContext,
  owner: AdapterOwner,
  { source, target, gap }: Pair & { gap: Gap },
): Promise<boolean> {
  if (!gap.isStateOther || !source.state) return true;
  const { bytes } = source.state;
  const condition = target.state ? { ifMatch: target.state.etag } : ({ ifNoneMatch: "*" } as const);
  return putIf(context.target, stateKey(owner), { bytes, condition });
}
