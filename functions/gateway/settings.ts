// The settings of the gateway, from a Worker's bindings and variables. What is wrong is told by the setting's name.
import type { R2Binding } from "#registry";
import { parseCorsOrigins } from "../edge/cors-origins.ts";
import type { Server } from "./servers.ts";

/** Of Cloudflare's rate limiting: as much of it as is used here. */
export interface RateLimiter {
  limit(options: { key: string }): Promise<{ success: boolean }>;
}

export interface GatewaySettings {
  readonly bucket: R2Binding;
  readonly servers: readonly Server[];
  /** Requests of a tenant; none without. */
  readonly rateLimiter: RateLimiter | undefined;
  /** Until an answer begins, of what says nothing else. */
  readonly timeoutMs: number;
  /** How old a list may be that is answered from the cache; 0 for none. */
  readonly listSeconds: number;
  /** Of web pages that may call it. */
  readonly corsOrigins: readonly string[];
}

type Variables = Readonly<Record<string, unknown>>;

const SERVERS_MAX = 100;
const TIMEOUT_MS_MAX = 300_000;
const LIST_SECONDS_MAX = 3_600;
/** What a container is told of the Worker's settings and secrets, by the names that a server reads. */
const CONTAINER_VARIABLES = ["SOFTGATE_STORE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"];

/** `containerOf`: the stub of a container, by name. Throws an Error that names the setting. */
export function parseGatewaySettings(
  env: unknown,
  containerOf: (namespace: unknown, name: string) => Pick<Server, "fetch">,
): GatewaySettings {
  const variables = env as Variables;
  const { BUCKET: bucket, RATE_LIMITER: rateLimiter } = variables;
  if (!has(bucket, "get")) {
    throw new Error(
      'BUCKET: bind the R2 bucket that the servers keep adapters in, under "r2_buckets" of wrangler.jsonc.',
    );
  }
  if (rateLimiter !== undefined && !has(rateLimiter, "limit")) {
    throw new Error('RATE_LIMITER: bind a rate limit, under "ratelimits" of wrangler.jsonc, or nothing.');
  }
  return {
    bucket: bucket as R2Binding,
    servers: serversOf(variables, containerOf),
    rateLimiter: rateLimiter as RateLimiter | undefined,
    timeoutMs: wholeNumber(variables, "ORIGIN_TIMEOUT_MS", {
      least: 1,
      most: TIMEOUT_MS_MAX,
      otherwise: 60_000,
    }),
    listSeconds: wholeNumber(variables, "LIST_CACHE_SECONDS", {
      least: 0,
      most: LIST_SECONDS_MAX,
      otherwise: 5,
    }),
    corsOrigins: parseCorsOrigins(variables.CORS_ORIGINS),
  };
}

/** Of the Worker's own, those that are set. */
export function containerVariables(env: unknown): Record<string, string> {
  const variables = env as Variables;
  const set = CONTAINER_VARIABLES.flatMap((name) => {
    const value = variables[name];
    return typeof value === "string" ? [[name, value] as const] : [];
  });
  return Object.fromEntries(set);
}

function serversOf(
  variables: Variables,
  containerOf: (namespace: unknown, name: string) => Pick<Server, "fetch">,
): Server[] {
  const { ORIGIN_URLS: urls, SERVERS: namespace } = variables;
  if (typeof urls === "string" && urls.trim() !== "") return originsOf(urls);
  if (urls !== undefined && urls !== "") throw new Error(`ORIGIN_URLS: ${ORIGIN_URLS_FORM}`);
  if (!has(namespace, "idFromName")) {
    throw new Error(
      `ORIGIN_URLS or SERVERS: name the servers. ${ORIGIN_URLS_FORM} Or bind containers as SERVERS, under "durable_objects" of wrangler.jsonc.`,
    );
  }
  const count = wholeNumber(variables, "SERVER_COUNT", { least: 1, most: SERVERS_MAX, otherwise: 1 });
  return Array.from({ length: count }, (_, index) => {
    const name = `server-${index}`;
    return {
      name,
      url: new URL("http://container"),
      fetch: (request) => containerOf(namespace, name).fetch(request),
    };
  });
}

const ORIGIN_URLS_FORM = `Give http or https addresses, at most ${SERVERS_MAX}, separated by commas, for example https://one.example,https://two.example.`;

function originsOf(urls: string): Server[] {
  const parsed = urls.split(",").map((url) => URL.parse(url.trim()));
  const servers = parsed.flatMap((url): Server[] =>
    url && /^https?:$/.test(url.protocol)
      ? [{ name: url.origin, url, fetch: (request) => fetch(request) }]
      : [],
  );
  const isWhole = servers.length === parsed.length && servers.length <= SERVERS_MAX;
  const isDistinct = new Set(servers.map(({ name }) => name)).size === servers.length;
  if (isWhole && isDistinct) return servers;
  throw new Error(`ORIGIN_URLS: ${ORIGIN_URLS_FORM}${isDistinct ? "" : " One is named twice."}`);
}

function wholeNumber(
  variables: Variables,
  name: string,
  { least, most, otherwise }: { least: number; most: number; otherwise: number },
): number {
  const value = variables[name];
  if (value === undefined || value === "") return otherwise;
  const number = Number(value);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  throw new Error(`${name}: give a whole number from ${least} to ${most}.`);
}

function has(value: unknown, method: string): boolean {
  return typeof value === "object" && value !== null && method in value;
}
