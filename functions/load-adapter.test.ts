import { describe, expect, it } from "vitest";
import { requireSameBackbone } from "./load-adapter.ts";
import type { ResolvedAdapter } from "./services.ts";

const digestOf = (letter: string) => `sha256:${letter.repeat(64)}`;

function resolved(encoders?: { int8: string }): ResolvedAdapter {
  const backbone = { id: "tiny", digest: digestOf("a"), width: 2 };
  const manifest = { backbone, ...(encoders && { encoders }) };
  return { name: "router", version: 2, manifest } as unknown as ResolvedAdapter;
}

const held = { id: "tiny", digest: digestOf("a") };
const inInt8 = { ...held, int8Digest: digestOf("e") };

describe("an adapter", () => {
  it("is served in fp32 whatever int8 encoder it was made for, and in int8 by that one", () => {
    for (const backbone of [held, inInt8])
      for (const encoders of [undefined, { int8: digestOf("e") }])
        expect(() => requireSameBackbone(resolved(encoders), backbone)).not.toThrow();
    expect(() => requireSameBackbone(resolved({ int8: digestOf("f") }), held)).not.toThrow();
  });

  it("made for another int8 encoder is refused with both and the remedies", () => {
    const refused = () => requireSameBackbone(resolved({ int8: digestOf("f") }), inInt8);
    expect(refused).toThrow(expect.objectContaining({ code: "backbone_mismatch" }));
    for (const part of [digestOf("e"), digestOf("f"), "router:2", "--precision fp32", "Train"])
      expect(refused).toThrow(part);
  });
});
