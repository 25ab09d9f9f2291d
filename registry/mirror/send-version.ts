// One version: its files, the claim of its number, the audit's entry of its publish, and its manifest last, so that
// it begins to exist at the target when nothing of it is missing.
import { auditEntrySchema } from "../change.ts";
import { claimSchema } from "../claim-version.ts";
import { RegistryError } from "../errors.ts";
import { requireKept } from "../gc/keep-copy.ts";
import { type AdapterOwner, auditKey, claimKey, manifestKey } from "../layout.ts";
import { decodeManifest } from "../manifest.ts";
import { putIf, readRecord } from "../records.ts";
import type { MirrorContext } from "./mirror-context.ts";
import { otherPublish } from "./require-fitting.ts";
import { sendBlob } from "./send-blob.ts";
import { sendOnce } from "./send-once.ts";

const ONCE = { ifNoneMatch: "*" } as const;
const ENTRY_ID = /^[0-9a-f]{32}$/;

/** Its digest. Throws mirror_diverged, blob_not_found, blob_corrupt, invalid_manifest, conflict. */
export async function sendVersion(
  context: MirrorContext,
  owner: AdapterOwner,
  version: number,
): Promise<string> {
  const key = manifestKey(owner, version);
  const { bytes } = (await context.source.get(key)) ?? refuseAbsent(key);
  const { manifest, digest } = decodeManifest(bytes, { name: owner.name, version });
  const since = context.keeper.now();
  for (const file of manifest.files) await sendBlob(context, owner.tenant, file);
  await sendClaim(context, owner, version);
  await requireKept(context.keeper, owner.tenant, { copies: manifest.files, since });
  if (!(await putIf(context.target, key, { bytes, condition: ONCE }))) {
    throw otherPublish(owner, version);
  }
  context.total.versions += 1;
  context.total.bytes += bytes.byteLength;
  return digest;
}

/** After the entry of the publish that took the number. Throws mirror_diverged, blob_not_found, blob_corrupt. */
export async function sendClaim(context: MirrorContext, owner: AdapterOwner, version: number): Promise<void> {
  const key = claimKey(owner, version);
  const { value, bytes } = (await readRecord(context.source, key, claimSchema)) ?? refuseAbsent(key);
  // That of a claim that was repaired is not known.
  if (ENTRY_ID.test(value.nonce)) {
    await sendOnce(context, auditKey(owner.tenant, { id: value.nonce, at: value.at }), auditEntrySchema);
  }
  if (!(await putIf(context.target, key, { bytes, condition: ONCE }))) throw otherPublish(owner, version);
}

export function refuseAbsent(key: string): never {
  throw new RegistryError(
    "blob_not_found",
    `The source has no ${key}, which belongs there: softgate store fsck tells what is damaged there.`,
  );
}
