import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseAdapterName, parseAdapterReference, parseAlias, parseTenantId } from "./registry.ts";

const bad = [
  "",
  ".",
  "..",
  "a..b",
  ".hidden",
  "-a",
  "_a",
  "../other",
  "a/b",
  "a\\b",
  "a%2fb",
  "a b",
  "A",
  "ä",
  "a\0",
  "a\n",
  "a:1",
  "a@b",
  "__proto__",
  "x".repeat(65),
];

describe("names", () => {
  it.each(["a", "7", "support-router", "a.b_c-d", "constructor", "x".repeat(64)])("%s is a name", (name) => {
    expect(parseTenantId(name)).toBe(name);
    expect(parseAdapterName(name)).toBe(name);
  });

  it.each(bad)("%j is no name of a tenant, an adapter or an alias", (name) => {
    for (const parse of [parseTenantId, parseAdapterName, parseAlias]) {
      expect(() => parse(name)).toThrow(expect.objectContaining({ code: "invalid_name" }));
    }
  });

  it("an alias is not digits alone, which would read as a version", () => {
    expect(parseAlias("v3")).toBe("v3");
    expect(() => parseAlias("3")).toThrow(expect.objectContaining({ code: "invalid_name" }));
  });

  it("a refusal is one short line, whatever was sent", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 500, unit: "binary" }), (value) => {
        try {
          parseAdapterName(value);
        } catch (error) {
          const { message } = error as Error;
          expect(message.length).toBeLessThan(700);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
          expect(message).not.toMatch(/[\u0000-\u001f]/);
        }
      }),
    );
  });
});

describe("references", () => {
  it("are a name, a name and an alias, or a name and a version", () => {
    expect(parseAdapterReference("router")).toEqual({ name: "router", alias: "production" });
    expect(parseAdapterReference("router@canary")).toEqual({ name: "router", alias: "canary" });
    expect(parseAdapterReference("router:3")).toEqual({ name: "router", version: 3 });
    expect(parseAdapterReference("router:99999999")).toEqual({ name: "router", version: 99_999_999 });
  });

  it.each([
    "",
    "@",
    ":",
    "router@",
    "router@3",
    "router:",
    "router:0",
    "router:03",
    "router:-1",
    "router:1.5",
    "router:1e3",
    "router:latest",
    "router:100000000",
    "router:1@a",
    "router@a:1",
    "router@a@b",
    "router@../x",
    "../router",
    "a/router:1",
    "router:1\n",
  ])("%j names no adapter, and the refusal shows the forms", (value) => {
    expect(() => parseAdapterReference(value)).toThrow(
      expect.objectContaining({
        code: "invalid_reference",
        publicMessage: expect.stringMatching(/"name".*"name@alias".*"name:3"/),
      }),
    );
  });
});
