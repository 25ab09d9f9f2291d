// Ed25519 keys that sign versions (RFC 8032). The public one is kept for a tenant; the private one is a file of
// whoever publishes, and comes no further than the process that signs: nothing here writes or prints it.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { RegistryError } from "../errors.ts";

export interface PublicKey {
  /** "signing_" and the beginning of the key's sha256. */
  readonly id: string;
  /** SubjectPublicKeyInfo, in base64. */
  readonly publicKey: string;
}

/** Signs with a private key that it does not give out. */
export interface Signer extends PublicKey {
  /** 64 bytes in base64. */
  sign(bytes: Uint8Array): string;
}

export const SIGNING_KEY_ID = /^signing_[0-9a-f]{20}$/;
/** Of 64 bytes there is one spelling: the last character's spare bits are none. */
export const SIGNATURE = /^[A-Za-z0-9+/]{85}[AQgw]==$/;

/** What stands before the 32 bytes of an Ed25519 key (RFC 8410). */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const SPKI_BYTES = SPKI_PREFIX.byteLength + 32;
const ID_DIGITS = 20;
const PEM = /^-----BEGIN PUBLIC KEY-----\s([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----$/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** PEM, or base64 of what PEM holds. Throws invalid_signing_key. */
export function parsePublicKey(text: string): PublicKey {
  const base64 = (PEM.exec(text.trim())?.[1] ?? text).replaceAll(/\s/g, "");
  const spki = BASE64.test(base64) ? Buffer.from(base64, "base64") : Buffer.alloc(0);
  if (spki.byteLength === SPKI_BYTES && spki.subarray(0, SPKI_PREFIX.byteLength).equals(SPKI_PREFIX)) {
    return publicKeyOf(spki);
  }
  throw new RegistryError(
    "invalid_signing_key",
    text.includes("PRIVATE KEY")
      ? "This is a private key, which nobody else should have: give its public key."
      : "This is no Ed25519 public key in PEM or base64 (SubjectPublicKeyInfo): softgate signing-key new prints one.",
  );
}

/** Of a private key in PEM (PKCS #8) without a passphrase. Throws invalid_signing_key, which repeats nothing of it. */
export function createSigner(pem: string): Signer {
  const privateKey = parsePrivateKey(pem);
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return { ...publicKeyOf(spki), sign: (bytes) => sign(null, bytes, privateKey).toString("base64") };
}

/** A new key pair. The private one in PEM is the caller's to keep. */
export function createSigningKey(): PublicKey & { readonly publicPem: string; readonly privatePem: string } {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  return {
    ...publicKeyOf(publicKey.export({ format: "der", type: "spki" })),
    publicPem: publicKey.export({ format: "pem", type: "spki" }).toString(),
    privatePem: privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
  };
}

/** Never throws: what is no signature of these bytes by this key is none. */
export function isSignatureOf(
  bytes: Uint8Array,
  { publicKey, signature }: { publicKey: string; signature: string },
): boolean {
  if (!SIGNATURE.test(signature)) return false;
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey, "base64"), format: "der", type: "spki" });
    return verify(null, bytes, key, Buffer.from(signature, "base64"));
  } catch {
    return false;
  }
}

function publicKeyOf(spki: Buffer): PublicKey {
  const hex = createHash("sha256").update(spki).digest("hex");
  return { id: `signing_${hex.slice(0, ID_DIGITS)}`, publicKey: spki.toString("base64") };
}

function parsePrivateKey(pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch {
    // Said below. OpenSSL's words may quote the file.
  }
  throw new RegistryError(
    "invalid_signing_key",
    "This is no Ed25519 private key in PEM without a passphrase: softgate signing-key new FILE makes one.",
  );
}
