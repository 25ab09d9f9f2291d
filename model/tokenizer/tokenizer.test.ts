import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { defaultBackbone, mpnetBackbone } from "../../test/helpers/pulled-backbone.ts";
import { makeTinyBackbone } from "../../test/helpers/tiny-backbone.ts";
import { ModelError } from "../errors.ts";
import { createTokenizer, type TextInput } from "./tokenizer.ts";

const GOLDEN = new URL("../../test/fixtures/golden/", import.meta.url);

interface GoldenCase {
  text: string;
  textPair?: string;
  tokensMax: number;
  tokenIds: number[];
  typeIds: number[];
  truncated: boolean;
}

function expectGolden(file: string, tokenizerJson: Uint8Array, tokenTypes: number): void {
  const { cases }: { cases: GoldenCase[] } = JSON.parse(readFileSync(new URL(file, GOLDEN), "utf8"));
  expect(cases.length).toBeGreaterThan(50);
  for (const tokensMax of new Set(cases.map((golden) => golden.tokensMax))) {
    const tokenizer = createTokenizer(tokenizerJson, { tokensMax, tokenTypes });
    for (const { text, textPair, ...expected } of cases.filter((golden) => golden.tokensMax === tokensMax)) {
      const input: TextInput = textPair === undefined ? text : { text, textPair };
      expect({ input, tokensMax, ...tokenizer.encode(input) }).toEqual({ input, ...expected });
    }
  }
}

describe("ids, types and truncation are those of Hugging Face's tokenizers", () => {
  it("for WordPiece", () => {
    expectGolden("tokens-tiny-bert.json", makeTinyBackbone({ family: "bert" }).tokenizer, 2);
  });

  it("for byte-level BPE", () => {
    expectGolden("tokens-tiny-roberta.json", makeTinyBackbone({ family: "roberta" }).tokenizer, 1);
  });

  it("for WordPiece between RoBERTa's special tokens", () => {
    expectGolden("tokens-tiny-mpnet.json", makeTinyBackbone({ family: "mpnet" }).tokenizer, 0);
  });

  it.skipIf(!defaultBackbone.isThere)("for the default backbone, when it was pulled", () => {
    expectGolden("tokens-minilm.json", defaultBackbone.read().tokenizer, 2);
  });

  it.skipIf(!mpnetBackbone.isThere)("for all-mpnet-base-v2, when it was pulled", () => {
    expectGolden("tokens-mpnet.json", mpnetBackbone.read().tokenizer, 0);
  });
});

describe("a tokenizer", () => {
  const { tokenizer: json } = makeTinyBackbone();
  const tokenizer = createTokenizer(json, { tokensMax: 12, tokenTypes: 2 });

  it("ignores the truncation and padding that its file sets", () => {
    const encoding = createTokenizer(json, { tokensMax: 256, tokenTypes: 2 }).encode("good ".repeat(100));
    expect(encoding.tokenIds).toHaveLength(102);
    expect(encoding.truncated).toBe(false);
    expect(tokenizer.encode("good").tokenIds).toHaveLength(3);
  });

  it("keeps the last special token of a text that it cuts", () => {
    const { tokenIds, truncated } = tokenizer.encode("bad ".repeat(50));
    expect([tokenIds.length, tokenIds[0], tokenIds.at(-1), truncated]).toEqual([12, 2, 3, true]);
  });

  it("gives both texts of a pair their share, and the second its own type", () => {
    const { tokenIds, typeIds, truncated } = tokenizer.encode({ text: "good", textPair: "bad ".repeat(50) });
    expect(tokenIds.filter((id) => id === 3)).toHaveLength(2);
    expect(typeIds).toEqual([0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    expect(truncated).toBe(true);
  });

  it("keeps a template whole and marks its mask, however long the text and wherever masks are in it", () => {
    const template = "{text} good {mask} .";
    const mask = Number(tokenizer.wordIds("[MASK]")[0]);
    for (const text of ["", "bad", "[MASK] bad", "bad ".repeat(50), "[MASK] ".repeat(50)]) {
      const { tokenIds, maskAt, truncated, typeIds } = tokenizer.encode(text, template);
      expect(tokenIds.slice(-4)).toEqual([...tokenizer.wordIds("good [MASK] ."), 3]);
      expect([maskAt, tokenIds[maskAt ?? -1]]).toEqual([tokenIds.length - 3, mask]);
      expect(truncated).toBe(text.length > 50);
      expect(tokenIds.length).toBe(truncated ? 12 : tokenIds.length);
      expect(typeIds).toEqual(tokenIds.map(() => 0));
    }
  });

  it("gives both texts of a pair their share beside a template", () => {
    const template = "{text} ? {mask} , {text_pair}";
    const { tokenIds, truncated } = tokenizer.encode({ text: "bad ".repeat(9), textPair: "good" }, template);
    expect(tokenIds.slice(0, -1)).toEqual([2, ...tokenizer.wordIds(`${"bad ".repeat(6)}? [MASK] , good`)]);
    expect(truncated).toBe(true);
    const one = tokenizer.encode({ text: "bad", textPair: "good" }, "{text} {mask}");
    expect(one).toEqual(tokenizer.encode("bad good", "{text} {mask}"));
  });

  it("refuses a template that is none, or whose words leave too little to the text", () => {
    const encode = (template: string) => () => tokenizer.encode("good", template);
    expect(encode("{text}")).toThrow(/template cannot be used: a template has \{mask\} exactly once/);
    expect(encode("{text} a b c {mask} .")).toThrow(/leave less than half/);
    expect(encode("{text}")).toThrow(ModelError);
  });

  it("takes half a surrogate pair as the replacement character", () => {
    expect(tokenizer.encode("good \ud83d day")).toEqual(tokenizer.encode("good \ufffd day"));
  });

  it.each([
    ["not JSON", "{"],
    ["not an object", "[]"],
    ["without a model", '{"added_tokens": []}'],
    ["with a model nobody knows", '{"added_tokens": [], "model": {"type": "Oracle", "vocab": {}}}'],
  ])("refuses a file that is %s", (_, text) => {
    const create = () => createTokenizer(new TextEncoder().encode(text), { tokensMax: 12, tokenTypes: 2 });
    expect(create).toThrow(ModelError);
    expect(create).toThrow(/tokenizer\.json cannot be used/);
  });

  it("refuses a limit that leaves no room for text", () => {
    expect(() => createTokenizer(json, { tokensMax: 3, tokenTypes: 2 })).toThrow(/leave no room/);
  });
});
