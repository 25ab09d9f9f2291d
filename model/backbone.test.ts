import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { defaultBackbone, mpnetBackbone } from "../test/helpers/pulled-backbone.ts";
import { makeTinyBackbone } from "../test/helpers/tiny-backbone.ts";
import { parseBackbone } from "./backbone.ts";

/** The digest that test/fixtures/golden/make_golden.py found for the same files. */
function goldenDigest(name: string): string {
  const file = new URL(`../test/fixtures/golden/hidden-${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")).digest;
}

it.each(["bert", "roberta", "mpnet"] as const)(
  "a tiny %s backbone is the one of the golden files",
  (family) => {
    const backbone = parseBackbone("tiny", makeTinyBackbone({ family }));
    expect(backbone).toMatchObject({
      id: "tiny",
      digest: goldenDigest(`tiny-${family}`),
      config: { family },
    });
    expect(backbone.tokenizer.encode("refund ".repeat(400)).tokenIds).toHaveLength(256);
  },
);

it.skipIf(!defaultBackbone.isThere)(
  "the default backbone is the one of the golden files, when it was pulled",
  () => {
    const backbone = parseBackbone("default", defaultBackbone.read());
    expect(backbone.digest).toBe(goldenDigest("minilm"));
    expect(backbone.weights.layers).toHaveLength(6);
  },
);

it.skipIf(!mpnetBackbone.isThere)("all-mpnet-base-v2 is that of the golden files, when it was pulled", () => {
  const backbone = parseBackbone("mpnet", mpnetBackbone.read());
  expect(backbone.digest).toBe(goldenDigest("mpnet"));
  expect(backbone.weights.layers).toHaveLength(12);
});

it("any change of any file changes the digest", () => {
  const files = makeTinyBackbone();
  const digest = parseBackbone("tiny", files).digest;
  const space = (bytes: Uint8Array) => Uint8Array.of(...bytes, 0x20);
  expect(parseBackbone("tiny", { ...files, config: space(files.config) }).digest).not.toBe(digest);
  expect(parseBackbone("tiny", { ...files, tokenizer: space(files.tokenizer) }).digest).not.toBe(digest);
  expect(parseBackbone("tiny", makeTinyBackbone({ seed: 2 })).digest).not.toBe(digest);
});

it("a tokenizer with tokens that the encoder does not know is refused", () => {
  const files = makeTinyBackbone();
  const tokenizer = JSON.parse(new TextDecoder().decode(files.tokenizer));
  tokenizer.model.vocab.surplus = 5_000;
  const changed = { ...files, tokenizer: new TextEncoder().encode(JSON.stringify(tokenizer)) };
  expect(() => parseBackbone("tiny", changed)).toThrow(/token "surplus" has id 5000, the encoder knows 330/);
});

it("the same options make the same tiny backbone, other seeds another", () => {
  expect(makeTinyBackbone({ seed: 3 })).toEqual(makeTinyBackbone({ seed: 3 }));
});
