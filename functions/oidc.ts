// Tokens of an OpenID Connect issuer as credentials: a signed JWT → tenant and scopes, by its claims. The issuer's
// keys come from its discovery document and are cached; nothing of a token is believed before its signature is
// verified. Only this file knows jose. A token cannot be revoked here: it is valid until it expires, and none that
// lives longer than TOKEN_LIFE_SECONDS_MAX is taken.
import { createHash } from "node:crypto";
import { createRemoteJWKSet, customFetch, errors, type JWTPayload, jwtVerify, type RemoteJWKSet } from "jose";
import { z } from "zod";
import { type Credential, KEY_SCOPES, type KeyScope, parseTenantId, type TenantId } from "#registry";
import { RequestError } from "./errors.ts";

export interface OidcOptions {
  /** As the tokens' `iss` has it; https, or http on this machine. */
  readonly issuer: string;
  /** One that the tokens' `aud` must have. */
  readonly audience: string;
  /** The claim that names the tenant. Default "tenant". */
  readonly tenantClaim?: string;
  /** A claim that lists scopes, as an array or with spaces between them. Default "scope". */
  readonly scopesClaim?: string;
  /** What scopes for this server begin with; others are passed over. Default "softgate:". */
  readonly scopePrefix?: string;
  /** Milliseconds. */
  readonly now?: () => number;
}

export interface TokenVerifier {
  /** Undefined for a token that is not valid, for whatever reason. Throws issuer_unreachable. */
  verify(token: string): Promise<Credential | undefined>;
}

/** Signatures with a public key alone: with a shared one, who can verify could sign. */
const ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"];
/** How far the issuer's clock may be from this one. */
const CLOCK_SKEW_SECONDS_MAX = 30;
const TOKEN_LIFE_SECONDS_MAX = 24 * 60 * 60;
const KEYS_STALE_MS_MAX = 10 * 60 * 1_000;
/** A token that names an unknown key makes the keys be read again, no more often than this. */
const KEYS_REREAD_MS_MIN = 30_000;
const ANSWER_MS_MAX = 5_000;
const ANSWER_BYTES_MAX = 256 * 1024;
/** After a failure the issuer is left alone for so long. */
const FAILURE_REMEMBERED_MS = 5_000;
const ACTOR_DIGITS = 20;

/** Asks nothing of the issuer yet. Throws an error that names --oidc-issuer. */
export function createTokenVerifier(options: OidcOptions): TokenVerifier {
  const { issuer, audience, now = Date.now } = options;
  if (!isTrusted(issuer)) {
    throw new Error("--oidc-issuer is no https address (http only on this machine): give the issuer's URL.");
  }
  const keys = new IssuerKeys(issuer, now);
  return {
    async verify(token) {
      const verified = await keys.use((keySet) =>
        jwtVerify(token, keySet, {
          ...{ issuer, audience, algorithms: ALGORITHMS, requiredClaims: ["exp", "sub"] },
          clockTolerance: CLOCK_SKEW_SECONDS_MAX,
          currentDate: new Date(now()),
        }),
      );
      return verified && credentialOf(verified.payload, options, now());
    },
  };
}

/** The key set of an issuer, found by its discovery document once it is needed. */
class IssuerKeys {
  readonly #issuer: string;
  readonly #now: () => number;
  #keySet: Promise<RemoteJWKSet> | undefined;
  #failedAtMs = Number.NEGATIVE_INFINITY;

  constructor(issuer: string, now: () => number) {
    this.#issuer = issuer;
    this.#now = now;
  }

  /** Undefined where jose refuses the token. Throws issuer_unreachable. */
  async use<Result>(verify: (keySet: RemoteJWKSet) => Promise<Result>): Promise<Result | undefined> {
    try {
      this.#keySet ??= this.#discover();
      return await verify(await this.#keySet);
    } catch (error) {
      if (isOfToken(error)) return undefined;
      const keySet = await this.#keySet?.catch(() => undefined);
      // Keys that are fresh stay: a token that names none of them must not end those that do.
      if (!keySet?.fresh) this.#forget();
      const message = "The issuer of tokens does not answer as it should: tokens cannot be verified now.";
      throw new RequestError("issuer_unreachable", message, { cause: error });
    }
  }

  async #discover(): Promise<RemoteJWKSet> {
    const url = `${this.#issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
    const response = await this.#fetch(url, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
    const found = discoverySchema.parse(await response.json());
    // Else another issuer's keys would be taken for this one's.
    if (found.issuer !== this.#issuer) {
      throw new Error(`the discovery document is of the issuer ${found.issuer}`);
    }
    if (!isTrusted(found.jwks_uri)) throw new Error(`jwks_uri is no https address: ${found.jwks_uri}`);
    return createRemoteJWKSet(new URL(found.jwks_uri), {
      ...{ timeoutDuration: ANSWER_MS_MAX, cooldownDuration: KEYS_REREAD_MS_MIN },
      cacheMaxAge: KEYS_STALE_MS_MAX,
      [customFetch]: (keysUrl, options) => this.#fetch(keysUrl, options),
    });
  }

  async #fetch(url: string, options: RequestInit): Promise<Response> {
    if (this.#hasJustFailed()) throw new Error(`${url} has just failed`);
    try {
      return await fetchBounded(url, options);
    } catch (error) {
      this.#failedAtMs = this.#now();
      throw error;
    }
  }

  #forget(): void {
    this.#keySet = undefined;
    // Not only what failed to come: also what came and was no good.
    if (!this.#hasJustFailed()) this.#failedAtMs = this.#now();
  }

  #hasJustFailed(): boolean {
    return this.#now() - this.#failedAtMs < FAILURE_REMEMBERED_MS;
  }
}

const discoverySchema = z.looseObject({ issuer: z.string(), jwks_uri: z.string() });

async function fetchBounded(url: string, options: RequestInit): Promise<Response> {
  const response = await fetch(url, { ...options, redirect: "error" });
  if (!response.ok || !response.body) throw new Error(`${url} answered ${response.status}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`${url} answers with more than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return new Response(Buffer.concat(chunks));
}

function credentialOf(payload: JWTPayload, options: OidcOptions, nowMs: number): Credential | undefined {
  const { tenantClaim = "tenant", scopesClaim = "scope", scopePrefix = "softgate:" } = options;
  const { exp = Number.POSITIVE_INFINITY, sub = "", iss = "" } = payload;
  if (exp - nowMs / 1_000 > TOKEN_LIFE_SECONDS_MAX + CLOCK_SKEW_SECONDS_MAX) return undefined;
  const tenant = tenantOf(payload[tenantClaim]);
  // A subject may be a person's address: history, audit and log have a name of it that tells no more.
  const digits = createHash("sha256").update(`${iss}\n${sub}`).digest("hex").slice(0, ACTOR_DIGITS);
  return tenant && { tenant, keyId: `oidc_${digits}`, scopes: scopesOf(payload[scopesClaim], scopePrefix) };
}

function tenantOf(claim: unknown): TenantId | undefined {
  try {
    return typeof claim === "string" ? parseTenantId(claim) : undefined;
  } catch {
    return undefined;
  }
}

function scopesOf(claim: unknown, prefix: string): readonly KeyScope[] {
  const given: readonly unknown[] = Array.isArray(claim) ? claim : String(claim ?? "").split(" ");
  return KEY_SCOPES.filter((scope) => given.includes(`${prefix}${scope}`));
}

/** Whether what is read there cannot be changed on its way. */
function isTrusted(address: string): boolean {
  const url = URL.parse(address);
  if (url?.protocol === "https:") return true;
  return url?.protocol === "http:" && ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
}

/** What jose says of the token, not of the keys that it was to be verified with. */
function isOfToken(error: unknown): boolean {
  if (!(error instanceof errors.JOSEError)) return false;
  const ofKeys: readonly string[] = [errors.JWKSInvalid.code, errors.JWKSTimeout.code, errors.JOSEError.code];
  return !ofKeys.includes(error.code);
}
