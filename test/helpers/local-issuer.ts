// For tests: a real OpenID Connect issuer on this machine, as far as a server of tokens' receivers sees one: discovery
// and keys over HTTP, and tokens that it signs. What it serves can be changed, and what was asked is counted.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";

export interface LocalIssuer {
  readonly url: string;
  /** Requests for the keys. */
  readonly counts: { discovery: number; keys: number };
  /** Replaces what is served, by path; a number is a status. */
  readonly answers: Map<string, unknown>;
  /** Signed with the issuer's newest key, valid for five minutes, for the audience "softgate". */
  sign(claims?: Record<string, unknown>, header?: { alg?: string; kid?: string }): Promise<string>;
  /** Makes another key pair, which signs from then on; both are served. */
  addKey(algorithm: string): Promise<void>;
  close(): Promise<void>;
}

export async function startLocalIssuer(): Promise<LocalIssuer> {
  const counts = { discovery: 0, keys: 0 };
  const answers = new Map<string, unknown>();
  const keys: JWK[] = [];
  let newest: { key: CryptoKey; algorithm: string; kid: string } | undefined;
  const server = createServer(({ url = "" }, response) => {
    if (url === "/keys") counts.keys += 1;
    else counts.discovery += 1;
    const answer = answers.get(url);
    response.statusCode = typeof answer === "number" ? answer : 200;
    response.setHeader("Content-Type", "application/json").end(JSON.stringify(answer ?? null));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  answers.set("/.well-known/openid-configuration", { issuer: url, jwks_uri: `${url}/keys` });
  answers.set("/keys", { keys });
  const addKey = async (algorithm: string) => {
    const pair = await generateKeyPair(algorithm, { extractable: true });
    const kid = `key-${keys.length + 1}`;
    keys.push({ ...(await exportJWK(pair.publicKey)), kid, alg: algorithm, use: "sig" });
    newest = { key: pair.privateKey, algorithm, kid };
  };
  await addKey("ES256");
  return {
    ...{ url, counts, answers, addKey },
    async sign(claims = {}, header = {}) {
      if (!newest) throw new Error("invariant: the issuer has a key");
      const nowSeconds = Math.floor(Date.now() / 1000);
      return new SignJWT({
        ...{ iss: url, aud: "softgate", sub: "someone@example.com", iat: nowSeconds, exp: nowSeconds + 300 },
        ...claims,
      })
        .setProtectedHeader({ alg: newest.algorithm, kid: newest.kid, ...header })
        .sign(newest.key);
    },
    close: () => new Promise((resolve) => server.close(() => resolve()).closeAllConnections()),
  };
}
