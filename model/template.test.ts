import { expect, test } from "vitest";
import { DEFAULT_TEMPLATES, isPairTemplate, parseTemplate, TEMPLATE_CHARACTERS_MAX } from "./template.ts";

test("a template is its marks and the words between, with the spaces before them", () => {
  expect(parseTemplate("{text} ? {mask}, {text_pair}")).toEqual([
    { mark: "text", words: "", spaced: false },
    { mark: "words", words: "?", spaced: true },
    { mark: "mask", words: "", spaced: true },
    { mark: "words", words: ",", spaced: false },
    { mark: "text_pair", words: "", spaced: true },
  ]);
});

test("the default templates are templates, one of them for pairs", () => {
  for (const template of Object.values(DEFAULT_TEMPLATES))
    expect(() => parseTemplate(template)).not.toThrow();
  expect(Object.values(DEFAULT_TEMPLATES).map(isPairTemplate)).toEqual([false, true]);
});

test.each([
  ["no mask", "{text} It was good.", /\{mask\} exactly once/],
  ["two masks", "{text} {mask} {mask}", /\{mask\} exactly once/],
  ["no text", "It was {mask}.", /\{text\} exactly once/],
  ["two texts", "{text} {text} {mask}", /\{text\} exactly once/],
  ["two second texts", "{text} {text_pair} {text_pair} {mask}", /\{text_pair\} at most once/],
  ["another mark", "{text} {label} {mask}", /no braces/],
  ["a brace", "{text} } {mask}", /no braces/],
  ["a mask by a name of its own", "{text} [MASK] {mask}", /names the mask \{mask\}/],
  ["too many characters", `{text} {mask}${" a".repeat(TEMPLATE_CHARACTERS_MAX / 2)}`, /at most 200/],
])("a template with %s is refused", (_, template, message) => {
  expect(() => parseTemplate(template)).toThrow(RangeError);
  expect(() => parseTemplate(template)).toThrow(message);
});
