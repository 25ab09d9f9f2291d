// How large a pass is made of what waits. A pass cannot be stopped: whoever comes while it runs waits for its end,
// and for that of the own pass. So where more waits than fits, passes end after a time, not after a number of
// tokens; what shorter ones cost in texts a second is in docs/decisions/2026-11-24-serving.md.
import type { Pace } from "./pace.ts";

/** Positions of one forward pass, prompt tokens included. More gain no texts a second, however fast they are. */
export const PASS_TOKENS_MAX = 512;
/** Nor fewer where more wait: below, a pass costs more than its tokens. */
export const PASS_TOKENS_MIN = 128;
/** What a pass is to take at most, by the pace of those before it. */
export const PASS_MS_MAX = 35;

/** Positions of a pass that is as long as may be: from PASS_TOKENS_MIN to as many as are given. */
export function fullPassTokens(pace: Pace, passTokensMax = PASS_TOKENS_MAX): number {
  return Math.max(PASS_TOKENS_MIN, Math.min(passTokensMax, Math.floor(pace.tokensIn(PASS_MS_MAX))));
}

/** Of the next pass: as many passes as there must be, or more so that each idle session has as many; all alike. */
export function passTokensOf(waiting: number, { idle, full }: { idle: number; full: number }): number {
  const among = Math.max(1, idle);
  const passes = among * Math.ceil(waiting / full / among);
  return Math.max(PASS_TOKENS_MIN, Math.ceil(waiting / passes));
}
