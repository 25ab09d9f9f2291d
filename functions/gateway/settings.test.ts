import { describe, expect, it } from "vitest";
import { containerVariables, parseGatewaySettings } from "./settings.ts";

const env = {
  BUCKET: { get: () => undefined },
  ORIGIN_URLS: "https://one.example, https://two.example/ignored",
};
const containerOf = (_namespace: unknown, name: string) => ({ fetch: async () => new Response(name) });
const parse = (changes: Record<string, unknown> = {}) =>
  parseGatewaySettings({ ...env, ...changes }, containerOf);

it("servers are the addresses that are given", () => {
  expect(parse().servers.map(({ name }) => name)).toEqual(["https://one.example", "https://two.example"]);
  expect(parse()).toMatchObject({ timeoutMs: 60_000, listSeconds: 5, rateLimiter: undefined });
});

it("without addresses servers are containers, each by its name", async () => {
  const settings = parse({
    ORIGIN_URLS: undefined,
    SERVERS: { idFromName: () => undefined },
    SERVER_COUNT: "3",
  });
  const answers = settings.servers.map(async ({ fetch, url }) => (await fetch(new Request(url))).text());
  expect(await Promise.all(answers)).toEqual(["server-0", "server-1", "server-2"]);
});

it("a container is told the store and its credentials, and nothing else", () => {
  const variables = { SOFTGATE_STORE: "s3://bucket", AWS_ACCESS_KEY_ID: "id", OTHER: "no", BUCKET: {} };
  expect(containerVariables(variables)).toEqual({ SOFTGATE_STORE: "s3://bucket", AWS_ACCESS_KEY_ID: "id" });
});

describe("what is wrong is told by its name", () => {
  it.each([
    ["BUCKET", { BUCKET: undefined }],
    ["RATE_LIMITER", { RATE_LIMITER: "none" }],
    ["ORIGIN_URLS or SERVERS", { ORIGIN_URLS: undefined }],
    ["ORIGIN_URLS", { ORIGIN_URLS: "https://one.example,two" }],
    ["ORIGIN_URLS", { ORIGIN_URLS: "file:///etc/passwd" }],
    ["ORIGIN_URLS", { ORIGIN_URLS: "https://one.example,https://one.example/again" }],
    ["SERVER_COUNT", { ORIGIN_URLS: "", SERVERS: { idFromName: () => undefined }, SERVER_COUNT: "0" }],
    ["ORIGIN_TIMEOUT_MS", { ORIGIN_TIMEOUT_MS: "1 minute" }],
    ["LIST_CACHE_SECONDS", { LIST_CACHE_SECONDS: "-1" }],
  ])("%s where it is %j", (name, wrong) => {
    expect(() => parse(wrong)).toThrow(new RegExp(`^${name}: `));
  });
});
