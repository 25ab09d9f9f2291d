import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeManifest, MANIFEST_MEDIA_TYPE, type Manifest } from "../manifest.ts";
import { alpha, beta, publishRequest } from "../test-registry.ts";
import { canonicalJson } from "./canonical-json.ts";
import { createSigner, createSigningKey } from "./signing-key.ts";
import { encodeForSigning, isSignedWith, signManifest } from "./statement.ts";

const { privatePem, publicKey } = createSigningKey();
const signer = createSigner(privatePem);
const digestOf = (letter: string) => `sha256:${letter.repeat(64)}`;

const manifest: Manifest = {
  ...publishRequest("one").manifest,
  mediaType: MANIFEST_MEDIA_TYPE,
  name: "router",
  version: 3,
  createdAt: "2026-01-01T00:00:00.000Z",
  createdBy: { jobId: "job-1", softgate: "0.0.0" },
  encoders: { int8: digestOf("e") },
  insertions: [{ kind: "scale_shift", layer: 1 }],
  outOfScope: { score: "max_logit", below: 0.5 },
  origin: { tenant: "beta", name: "router", version: 1, digest: digestOf("b") },
  files: [
    { path: "adapter_config.json", digest: digestOf("c"), bytes: 10 },
    { path: "adapter_model.safetensors", digest: digestOf("f"), bytes: 20 },
  ],
  report: { heldOut: { accuracy: 0.9 }, warnings: ["one"], nothing: null },
};

describe("the encoding", () => {
  it("is DSSE's own example, byte by byte", () => {
    const encoded = encodeForSigning("http://example.com/HelloWorld", "hello world");
    expect(Buffer.from(encoded).toString()).toBe("DSSEv1 29 http://example.com/HelloWorld 11 hello world");
  });

  it("counts bytes, not characters, and no two pairs share one", () => {
    expect(Buffer.from(encodeForSigning("ä", "€")).toString()).toBe("DSSEv1 2 ä 3 €");
    const pair = fc.tuple(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }));
    fc.assert(
      fc.property(pair, pair, (one, other) => {
        const isSame = Buffer.compare(encodeForSigning(...one), encodeForSigning(...other)) === 0;
        expect(isSame).toBe(one[0] === other[0] && one[1] === other[1]);
      }),
    );
  });
});

describe("canonical JSON", () => {
  it("is RFC 8785's of its example", () => {
    const value = JSON.parse(
      '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}',
    );
    expect(canonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  it("is JSON of the same value, whatever the order of its names", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const read = JSON.parse(JSON.stringify(value));
        expect(JSON.parse(canonicalJson(read))).toEqual(read);
        expect(canonicalJson(reversed(read))).toBe(canonicalJson(read));
      }),
    );
  });
});

describe("a signature", () => {
  const signed = signManifest(alpha, manifest, signer);

  it("holds of the content, under whatever number it is kept", () => {
    expect(isSignedWith(alpha, signed, publicKey)).toBe(true);
    expect(isSignedWith(alpha, { ...signed, version: 99 }, publicKey)).toBe(true);
  });

  it("holds for its tenant and its key alone", () => {
    expect(isSignedWith(beta, signed, publicKey)).toBe(false);
    expect(isSignedWith(alpha, signed, createSigningKey().publicKey)).toBe(false);
    expect(isSignedWith(alpha, manifest, publicKey)).toBe(false);
  });

  const { version: _, signature: _none, ...fields } = signed;
  it.each(leavesOf(fields).map((path) => [path.join("."), path] as const))(
    "no longer holds where %s is another",
    (_name, path) => {
      const other = structuredClone(signed);
      changeAt(other, path);
      expect(isSignedWith(alpha, other, publicKey)).toBe(false);
    },
  );

  it.each(["encoders", "outOfScope", "origin"] as const)("no longer holds without %s", (field) => {
    const { [field]: _gone, ...other } = signed;
    expect(isSignedWith(alpha, other, publicKey)).toBe(false);
  });

  it("says nothing of what JSON does not hold: what is read is what was signed", () => {
    const odd = { ...manifest, report: { nothing: undefined, none: Number.NaN, list: [undefined] } };
    const bytes = encodeManifest(signManifest(alpha, odd, signer));
    expect(isSignedWith(alpha, JSON.parse(Buffer.from(bytes).toString()), publicKey)).toBe(true);
  });
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, part]) => [name, reversed(part)]),
  );
}

/** Paths of all values that are no objects or lists. */
function leavesOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value).flatMap(([name, part]) => leavesOf(part, [...path, name]));
}

function changeAt(root: object, path: readonly string[]): void {
  const parent = path.slice(0, -1).reduce((part, name) => Reflect.get(part, name), root);
  const last = path.at(-1) ?? "";
  const value: unknown = Reflect.get(parent, last);
  Reflect.set(parent, last, typeof value === "number" ? value + 1 : `${value}x`);
}
