// The fields RateLimit-Policy and RateLimit of draft-ietf-httpapi-ratelimit-headers-10: one member each for every quota
// that an answer tells of.
import type { AppContext } from "./app-env.ts";

export interface QuotaState {
  readonly name: string;
  readonly most: number;
  readonly left: number;
  /** Of what is counted over time. */
  readonly windowSeconds?: number;
}

/** seconds: until there is more left. */
export function writeRateLimit(c: AppContext, quota: QuotaState, seconds: number): void {
  const { name, most, left, windowSeconds } = quota;
  const window = windowSeconds === undefined ? "" : `;w=${windowSeconds}`;
  c.header("RateLimit-Policy", `"${name}";q=${most}${window}`, { append: true });
  c.header("RateLimit", `"${name}";r=${left};t=${seconds}`, { append: true });
}
