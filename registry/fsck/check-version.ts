// A version's manifest, its figures on test sets and the claim of its number: each manifest has a claim, and a claim without a
// manifest is a publish that is under way, or died. The newest claim stays whatever became of it: numbers
// go on from it.

import { RegistryError } from "../errors.ts";
import { evaluationSchema } from "../evaluations.ts";
import { feedbackSchema } from "../feedback.ts";
import { claimKey, claimsPrefix, feedbackKey, lastSegment, manifestKey, versionOfKey } from "../layout.ts";
import { decodeManifest } from "../manifest.ts";
import type { ObjectDetails } from "../object-store/object-store.ts";
import { encodeRecord } from "../records.ts";
import { detailsOf } from "../walk-store.ts";
import { type CheckContext, checkNamedBlob, type Place, readChecked } from "./check-context.ts";

export async function checkClaim(
  { store, isYoung, report }: CheckContext,
  { key, modifiedMs }: ObjectDetails,
  place: Place,
): Promise<void> {
  if (isYoung(modifiedMs) || (await detailsOf(store, manifestKey(place, versionOfKey(key))))) return;
  const { keys } = await store.list({ prefix: claimsPrefix(place), limit: 1 });
  if (keys[0] === key) return;
  await report("claim_unused", key, { repair: () => store.delete(key) });
}

export async function checkManifest(
  context: CheckContext,
  { key }: ObjectDetails,
  place: Place,
): Promise<void> {
  const { store, report } = context;
  const version = versionOfKey(key);
  const stored = await store.get(key);
  if (!stored) return;
  const claim = claimKey(place, version);
  if (!(await detailsOf(store, claim)) && (await detailsOf(store, key))) {
    const bytes = encodeRecord({ nonce: "repaired by fsck", at: new Date(0).toISOString() });
    await report("claim_missing", key, { repair: () => store.put(claim, bytes, { ifNoneMatch: "*" }) });
  }
  try {
    const { manifest } = decodeManifest(stored.bytes, { name: place.name, version });
    for (const file of manifest.files) await checkNamedBlob(context, key, { tenant: place.tenant, ...file });
  } catch (error) {
    if (!(error instanceof RegistryError) || error.code !== "invalid_manifest") throw error;
    await report("manifest_damaged", key, { detail: error.publicMessage });
  }
}

/** A version's figures go with it. */
export async function checkEvaluation(
  context: CheckContext,
  { key, modifiedMs }: ObjectDetails,
  place: Place,
): Promise<void> {
  const { store, report, isYoung } = context;
  const datasetId = lastSegment(key).replace(".json", "");
  await readChecked(
    context,
    key,
    evaluationSchema.refine(({ dataset }) => dataset.id === datasetId),
  );
  if (isYoung(modifiedMs) || (await detailsOf(store, manifestKey(place, versionOfKey(key))))) return;
  await report("evaluation_left", key, { repair: () => store.delete(key) });
}

/** So does what it should have answered. */
export async function checkFeedback(
  context: CheckContext,
  { key, modifiedMs }: ObjectDetails,
  place: Place,
): Promise<void> {
  const { store, report, isYoung } = context;
  await readChecked(
    context,
    key,
    feedbackSchema.refine(
      ({ id, version }) => feedbackKey(place, id) === key && version === versionOfKey(key),
    ),
  );
  if (isYoung(modifiedMs) || (await detailsOf(store, manifestKey(place, versionOfKey(key))))) return;
  await report("feedback_left", key, { repair: () => store.delete(key) });
}
