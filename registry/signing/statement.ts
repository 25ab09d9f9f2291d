// What a signature of a version is over: that this content, of this name, is this tenant's. The envelope is DSSE's,
// version 1 (secure-systems-lab), whose encoding no two statements share:
//
//   PAE(type, payload) = "DSSEv1" SP length(type) SP type SP length(payload) SP payload
//   payload            = canonical JSON of {"manifest": M, "tenant": T}
//
// M is all of the manifest but its version, which is taken after signing, and the signature. It names config and
// weights by digest, so whoever signs it has signed them. docs/decisions/2026-11-26-signatures.md says why so.
import { decodeManifest, encodeManifest, type Manifest } from "../manifest.ts";
import type { TenantId } from "../registry.ts";
import { canonicalJson } from "./canonical-json.ts";
import { isSignatureOf, type Signer } from "./signing-key.ts";

export const STATEMENT_MEDIA_TYPE = "application/vnd.softgate.adapter.statement.v1+json";

/** With the signature in it. Throws as encodeManifest does. */
export function signManifest(tenant: TenantId, manifest: Manifest, signer: Signer): Manifest {
  // As it will be read: what its JSON does not hold is not signed.
  const read = decodeManifest(encodeManifest(manifest), manifest).manifest;
  return { ...manifest, signature: { keyId: signer.id, value: signer.sign(statementOf(tenant, read)) } };
}

/** Of a manifest as it was read. */
export function isSignedWith(tenant: TenantId, manifest: Manifest, publicKey: string): boolean {
  const signature = manifest.signature?.value;
  return signature !== undefined && isSignatureOf(statementOf(tenant, manifest), { publicKey, signature });
}

function statementOf(tenant: TenantId, manifest: Manifest): Uint8Array {
  const { version: _, signature: _none, ...signed } = manifest;
  return encodeForSigning(STATEMENT_MEDIA_TYPE, canonicalJson({ manifest: signed, tenant }));
}

/** DSSE's pre-authentication encoding. Lengths are in bytes of UTF-8. */
export function encodeForSigning(type: string, payload: string): Uint8Array {
  const parts = [type, payload].map((part) => `${Buffer.byteLength(part)} ${part}`);
  return new TextEncoder().encode(["DSSEv1", ...parts].join(" "));
}
