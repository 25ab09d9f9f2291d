import fc from "fast-check";
import { expect, it } from "vitest";
import { Pace } from "./pace.ts";
import { fullPassTokens, PASS_MS_MAX, PASS_TOKENS_MAX, PASS_TOKENS_MIN, passTokensOf } from "./pass-size.ts";

function paceOf(millisecondsPerToken: number): Pace {
  const pace = new Pace();
  pace.record(1, 1_000); // The first pass, which says nothing of the others.
  pace.record(1_000, 1_000 * millisecondsPerToken);
  return pace;
}

it("a full pass takes no longer than it may, on any machine on which the smallest one does not", () => {
  expect(fullPassTokens(new Pace())).toBe(PASS_TOKENS_MAX);
  expect(fullPassTokens(paceOf(0.001))).toBe(PASS_TOKENS_MAX);
  expect(fullPassTokens(paceOf(0.2))).toBe(Math.floor(PASS_MS_MAX / 0.2));
  expect(fullPassTokens(paceOf(10))).toBe(PASS_TOKENS_MIN);
});

it("what waits goes in passes alike, none above a full one, as many for each idle session", () => {
  const whole = (min: number, max: number) => fc.integer({ min, max });
  const situation = fc.record({ waiting: whole(1, 100_000), idle: whole(0, 8), full: whole(128, 512) });
  fc.assert(
    fc.property(situation, ({ waiting, idle, full }) => {
      const tokens = passTokensOf(waiting, { idle, full });
      expect(tokens).toBeLessThanOrEqual(full);
      expect(tokens).toBeGreaterThanOrEqual(PASS_TOKENS_MIN);
      const passes = Math.ceil(waiting / tokens);
      if (tokens > PASS_TOKENS_MIN && passes > 1) expect(waiting - (passes - 1) * tokens).toBeGreaterThan(0);
      if (tokens > PASS_TOKENS_MIN && idle > 1) expect(passes).toBeGreaterThanOrEqual(idle);
    }),
  );
});
