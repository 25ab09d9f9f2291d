import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createSigner, createSigningKey, isSignatureOf, parsePublicKey } from "./signing-key.ts";

const PKCS8_PREFIX = "302e020100300506032b657004220420";
const SPKI_PREFIX = "302a300506032b6570032100";

/** RFC 8032, 7.1: TEST 1, 2 and 3. */
const vectors = [
  {
    secret: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    key: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    message: "",
    signature:
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  },
  {
    secret: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    key: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    message: "72",
    signature:
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  },
  {
    secret: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    key: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    message: "af82",
    signature:
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  },
];

const bytesOf = (hex: string) => Buffer.from(hex, "hex");
const base64Of = (hex: string) => bytesOf(hex).toString("base64");
const pemOf = (label: string, base64: string) =>
  `-----BEGIN ${label}-----\n${base64}\n-----END ${label}-----\n`;

describe.each(vectors)("RFC 8032 on the message '$message'", ({ secret, key, message, signature }) => {
  const publicKey = base64Of(SPKI_PREFIX + key);

  it("its signature is one, and no longer where a bit of message, key or signature is another", () => {
    const holds = (change: { message?: Buffer; key?: string; signature?: Buffer } = {}) =>
      isSignatureOf(change.message ?? bytesOf(message), {
        publicKey: change.key ?? publicKey,
        signature: (change.signature ?? bytesOf(signature)).toString("base64"),
      });
    expect(holds()).toBe(true);
    expect(holds({ message: Buffer.concat([bytesOf(message), Buffer.of(0)]) })).toBe(false);
    for (const other of vectors)
      if (other.key !== key) expect(holds({ key: base64Of(SPKI_PREFIX + other.key) })).toBe(false);
    for (let bit = 0; bit < 512; bit += 1) {
      const flipped = bytesOf(signature);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(holds({ signature: flipped })).toBe(false);
    }
  });

  it("its secret signs so, and is the key's", () => {
    const signer = createSigner(pemOf("PRIVATE KEY", base64Of(PKCS8_PREFIX + secret)));
    expect(signer.publicKey).toBe(publicKey);
    expect(signer.sign(bytesOf(message))).toBe(base64Of(signature));
  });
});

describe("a public key", () => {
  it("is read from PEM and from base64, with whatever line ends, and has one id", () => {
    const { id, publicKey, publicPem } = createSigningKey();
    expect(id).toMatch(/^signing_[0-9a-f]{20}$/);
    for (const text of [publicPem, publicPem.replaceAll("\n", "\r\n"), publicKey, `  ${publicKey}\n`]) {
      expect(parsePublicKey(text)).toEqual({ id, publicKey });
    }
    expect(createSigningKey().id).not.toBe(id);
  });

  it.each([
    ["nothing", ""],
    ["words", "my key"],
    [
      "an RSA key",
      generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "pem", type: "spki" }),
    ],
    ["an Ed448 key", generateKeyPairSync("ed448").publicKey.export({ format: "pem", type: "spki" })],
    ["one that is cut", createSigningKey().publicKey.slice(4)],
    ["one with more behind", `${createSigningKey().publicKey}AAAA`],
    ["bare 32 bytes", base64Of(vectors[0]?.key ?? "")],
  ])("%s is none", (_, text) => {
    expect(() => parsePublicKey(text.toString())).toThrow(
      expect.objectContaining({ code: "invalid_signing_key" }),
    );
  });

  it("is asked for where a private one is given, of which nothing is repeated", () => {
    const { privatePem } = createSigningKey();
    const reading = () => parsePublicKey(privatePem);
    expect(reading).toThrow(/is a private key/);
    expect(reading).not.toThrow(privatePem.split("\n")[1]);
  });
});

describe("a private key", () => {
  it("signs what its public key verifies, and is not in the signer", () => {
    const { privatePem, publicKey, id } = createSigningKey();
    const signer = createSigner(privatePem);
    expect(signer).toMatchObject({ id, publicKey });
    const bytes = Buffer.from("content");
    expect(isSignatureOf(bytes, { publicKey, signature: signer.sign(bytes) })).toBe(true);
    expect(JSON.stringify(signer)).not.toContain(privatePem.split("\n")[1]?.slice(22));
  });

  it.each([
    ["a public key", createSigningKey().publicPem],
    [
      "another kind",
      generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "pem", type: "pkcs8" }),
    ],
    [
      "one with a passphrase",
      generateKeyPairSync("ed25519").privateKey.export({
        ...{ format: "pem", type: "pkcs8", cipher: "aes-256-cbc", passphrase: "secret" },
      }),
    ],
    ["words", "my key"],
  ])("%s is none", (_, pem) => {
    expect(() => createSigner(pem.toString())).toThrow(
      expect.objectContaining({ code: "invalid_signing_key" }),
    );
  });
});

it("a signature has one spelling, and what is none is no fault", () => {
  const { privatePem, publicKey } = createSigningKey();
  const bytes = Buffer.from("content");
  const signature = createSigner(privatePem).sign(bytes);
  // The last character before the padding carries four bits that no byte holds.
  const respelled = signature.replace(/.==$/, (end) => `${String.fromCharCode(end.charCodeAt(0) + 1)}==`);
  expect(Buffer.from(respelled, "base64")).toEqual(Buffer.from(signature, "base64"));
  for (const other of [respelled, "", "x", `${signature}\n`, signature.slice(0, -2)]) {
    expect(isSignatureOf(bytes, { publicKey, signature: other })).toBe(false);
  }
  expect(isSignatureOf(bytes, { publicKey: "AAAA", signature })).toBe(false);
});
